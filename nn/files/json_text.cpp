// Writing by adding texts, reading by the parser of nlohmann-json that tells what it meets.
#include "nn/files/json_text.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule::internal {
namespace {

constexpr std::size_t kDeepest = 8;

class TreeReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  JsonTree root;

  bool null() override { return put({}); }
  bool boolean(bool) override { return put({.kind = JsonTree::Kind::boolean}); }
  bool number_integer(number_integer_t n) override { return put_number(static_cast<double>(n)); }
  bool number_float(number_float_t n, const string_t&) override { return put_number(n); }
  bool number_unsigned(number_unsigned_t n) override {
    return put({.kind = JsonTree::Kind::count, .count = n, .number = static_cast<double>(n)});
  }
  bool string(string_t& text) override { return put({.kind = JsonTree::Kind::text, .text = std::move(text)}); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(JsonTree::Kind::object); }
  bool start_array(std::size_t) override { return open(JsonTree::Kind::list); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& text) override {
    if (!names_.back().insert(text).second)
      throw ValueError(fmt::format("'{}' is there twice", shorten(printable(text), 80)));
    key_ = std::move(text);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    throw ValueError(shorten(printable(error.what()), 160));
  }

 private:
  bool put_number(double value) { return put({.kind = JsonTree::Kind::number, .number = value}); }
  JsonTree& place() {
    if (open_.empty()) return root;
    auto& members = open_.back()->members;
    members.emplace_back(std::exchange(key_, {}), JsonTree());
    return members.back().second;
  }
  bool put(JsonTree&& value) {
    place() = std::move(value);
    return true;
  }
  // What is open is the last member of what is open around it, which does not grow meanwhile: pointers stay.
  bool open(JsonTree::Kind kind) {
    if (open_.size() == kDeepest) throw ValueError(fmt::format("it nests deeper than {}", kDeepest));
    JsonTree& here = place();
    here.kind = kind;
    open_.push_back(&here);
    names_.emplace_back();
    return true;
  }
  bool close() {
    open_.pop_back();
    names_.pop_back();
    return true;
  }
  std::vector<JsonTree*> open_;
  std::vector<std::set<std::string>> names_;
  std::string key_;
};

[[noreturn]] void refuse(std::string_view name, const char* expected) {
  throw ValueError(fmt::format("'{}' is not {}", shorten(printable(name), 80), expected));
}

}  // namespace

std::string json_text(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw ValueError(fmt::format("'{}' is not UTF-8", shorten(printable(text), 80)));
  }
}

std::string json_number(double value) {
  return std::isfinite(value) ? nlohmann::json(value).dump() : json_text(format_exact(value));
}

std::string JsonObject::text() const {
  std::string all = "{";
  for (const auto& [key, value] : members_) all.append(all.size() > 1 ? "," : "").append(key).append(":").append(value);
  return all + "}";
}

std::string JsonObject::lines() const {
  std::string all = "{";
  for (const auto& [key, value] : members_)
    all.append(all.size() > 1 ? ",\n  " : "\n  ").append(key).append(": ").append(value);
  return all + "\n}\n";
}

std::string json_list(const std::vector<std::string>& values) {
  std::string all = "[";
  for (const std::string& value : values) all.append(all.size() > 1 ? "," : "").append(value);
  return all + "]";
}

const JsonTree* JsonTree::find(std::string_view name) const {
  for (const auto& [known, value] : members)
    if (known == name) return &value;
  return nullptr;
}
const JsonTree& JsonTree::at(std::string_view name) const {
  const JsonTree* found = kind == Kind::object ? find(name) : nullptr;
  if (!found) throw ValueError(fmt::format("there is no '{}'", name));
  return *found;
}
const std::string& JsonTree::expect_text(std::string_view name) const {
  if (kind != Kind::text) refuse(name, "a text");
  return text;
}
std::uint64_t JsonTree::expect_count(std::string_view name) const {
  if (kind != Kind::count) refuse(name, "a count");
  return count;
}
const std::vector<std::pair<std::string, JsonTree>>& JsonTree::expect(Kind wanted, std::string_view name) const {
  if (kind != wanted) refuse(name, wanted == Kind::list ? "a list" : "an object");
  return members;
}

JsonTree parse_json(std::string_view text) {
  TreeReader reader;
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  return std::move(reader.root);
}

}  // namespace chainrule::internal
