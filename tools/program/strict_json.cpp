// The text is read twice: as a stream of events that finds whatever is wrong, then as a document.
#include "tools/program/strict_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <vector>

#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

class Reader final : public nlohmann::json_sax<Json> {
 public:
  Reader(const std::string& text, const std::string& file, int deepest) : text_(text), file_(file), deepest_(deepest) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override {
    keys_.emplace_back();
    return nest();
  }
  bool end_object() override {
    keys_.pop_back();
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override { return nest(); }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second)
      throw ValueError(fmt::format("'{}': an object in it names '{}' twice", file(), shorten(printable(name), 60)));
    return true;
  }
  /// `end` counts the bytes that the parser has read, the last one of what was wrong with them.
  bool parse_error(std::size_t end, const std::string& token, const nlohmann::detail::exception& e) override {
    const std::string_view what = e.what();
    const bool at_end = what.find("unexpected end of input") != std::string_view::npos;
    const Word word = at_end ? Word{text_.size(), ""} : word_at(std::min(end, text_.size()), token, what);
    const std::string_view before = std::string_view(text_).substr(0, word.begin);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t column = word.begin - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
    throw ValueError(
        fmt::format("'{}', line {}, column {}: {}", file(), line, column, problem(what, before, word.text)));
  }

 private:
  std::string file() const { return shorten(printable(file_), 200); }
  bool nest() {
    if (++depth_ > deepest_) throw ValueError(fmt::format("'{}': it nests deeper than {}", file(), deepest_));
    return true;
  }
  struct Word {
    std::size_t begin;
    std::string text;
  };
  /// What is wrong there: a text in quotes, a word or number as a whole, or one sign.
  Word word_at(std::size_t end, const std::string& token, std::string_view what) const {
    const std::string_view all = text_;
    if (what.find("unexpected string literal") != std::string_view::npos && all.substr(0, end).ends_with(token))
      return {end - token.size(), token};
    if (what.find("invalid string") != std::string_view::npos) return {end - 1, ""};
    const auto in_word = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '+' ||
             c == '-' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    };
    std::size_t begin = end == 0 ? 0 : end - 1;
    // A word or number that ends too early was left at the sign behind it.
    if (begin > 0 && what.find("invalid") != std::string_view::npos && !in_word(all[begin]) && in_word(all[begin - 1]))
      --begin;
    std::size_t behind = begin + 1;
    if (begin < all.size() && in_word(all[begin])) {
      while (begin > 0 && in_word(all[begin - 1])) --begin;
      while (behind < all.size() && in_word(all[behind])) ++behind;
    }
    return {begin, std::string(all.substr(begin, behind - begin))};
  }
  static std::string problem(std::string_view what, std::string_view before, const std::string& word) {
    const std::string shown = shorten(printable(word), 40);
    const std::size_t last = before.find_last_not_of(" \t\r\n");
    const char previous = last == std::string_view::npos ? ' ' : before[last];
    if (what.find("number overflow") != std::string_view::npos) return fmt::format("the number {} is too large", shown);
    // What it says of the inside of a text is plain: "control character U+000A (LF) must be escaped to \u000A or \n".
    if (const std::size_t at = what.find("invalid string: "); at != std::string_view::npos) {
      const std::string_view reason = what.substr(at + 16);
      return fmt::format("a text is wrong: {}", reason.substr(0, reason.find("; last read")));
    }
    if (word.empty()) return previous == ' ' ? "there is no JSON in it" : "it ends too early";
    if (previous == ',' && (word == "}" || word == "]"))
      return fmt::format("'{}' stands behind a comma, which the last one has not", word);
    if (word == "'") return "names and texts stand in double quotes";
    if (word[0] == '"' && std::string_view("\"}]0123456789el").find(previous) != std::string_view::npos)
      return fmt::format("'{}' is not expected here; is a comma missing before it?", shown);
    return fmt::format("'{}' is not expected here", shown);
  }

  const std::string& text_;
  const std::string& file_;
  int deepest_, depth_ = 0;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

Json parse_strict_json(const std::string& text, const std::string& file, int deepest) {
  Reader reader(text, file, deepest);
  Json::sax_parse(text, &reader);
  return Json::parse(text);
}

}  // namespace chainrule
