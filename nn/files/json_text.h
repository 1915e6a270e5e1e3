// Inner header: for our own sources, not installed.
// JSON written and taken apart for what must outlive memory that is out: values of nlohmann-json take memory when they
// are destroyed, and end the process where there is none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chainrule::internal {

/// A text in quotes. Throws ValueError for one that is not UTF-8.
std::string json_text(const std::string& text);
/// A number; one that is not finite as a text, "nan", since JSON has no word for it.
std::string json_number(double value);

/// An object, member by member, with values that are JSON already.
class JsonObject {
 public:
  JsonObject& add(const std::string& key, const std::string& json) {
    members_.emplace_back(json_text(key), json);
    return *this;
  }
  JsonObject& add(const std::string& key, std::int64_t count) { return add(key, std::to_string(count)); }
  bool empty() const { return members_.empty(); }
  /// {"a":1,"b":2}
  std::string text() const;
  /// The same with a line for each member.
  std::string lines() const;

 private:
  std::vector<std::pair<std::string, std::string>> members_;
};

/// [a,b]
std::string json_list(const std::vector<std::string>& values);

/// What a text of JSON says.
struct JsonTree {
  enum class Kind : std::uint8_t { nothing, boolean, count, number, text, list, object };
  Kind kind = Kind::nothing;
  std::uint64_t count = 0;  ///< a whole number of at least 0; others are of the kind `number`
  double number = 0;        ///< a count too
  std::string text{};
  std::vector<std::pair<std::string, JsonTree>> members{};  ///< of a list without names

  /// Of an object. Throws ValueError where there is none of that name, or this is no object.
  const JsonTree& at(std::string_view name) const;
  const JsonTree* find(std::string_view name) const;
  /// Throws ValueError for any other kind: "'step' is not a text", with `name` as what it is called.
  const std::string& expect_text(std::string_view name) const;
  std::uint64_t expect_count(std::string_view name) const;
  const std::vector<std::pair<std::string, JsonTree>>& expect(Kind kind, std::string_view name) const;
};

/// Throws ValueError for what is no JSON, nests deeper than 8 or has a name twice in an object.
JsonTree parse_json(std::string_view text);

}  // namespace chainrule::internal
