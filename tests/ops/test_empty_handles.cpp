// Every tensor argument of every function, empty in turn, is refused by a sentence that begins with the function and
// names the argument. Arguments whose default is None may be empty: that is their "none".
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/types/error.h"
#include "ops/language/bindings.h"
#include "ops/ops.h"
#include "ops/signature.h"
#include "tests/text.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

/// "softmax(x, dim=0)" as "x" and "dim=0".
std::vector<std::string> arguments_of(const std::string& call) {
  std::vector<std::string> parts{""};
  int depth = 0;
  bool quoted = false;
  for (const char c : call.substr(call.find('(') + 1)) {
    quoted ^= c == '\'';
    if (!quoted && (c == '(' || c == '[')) ++depth;
    if (!quoted && (c == ')' || c == ']') && --depth < 0) break;
    if (!quoted && depth == 0 && c == ',')
      parts.emplace_back();
    else if (c != ' ' || !parts.back().empty())
      parts.back() += c;
  }
  return parts;
}

using Keywords = std::vector<std::pair<std::string, Value>>;

/// The example's arguments, each by the name of its parameter.
Keywords example_of(const Function& f) {
  language::Names names = language::bind_text(f.with).names;
  const auto& parameters = parameters_of(f);
  Keywords values;
  for (const std::string& text : arguments_of(f.example)) {
    const auto equals = text.find('=');
    const bool keyword = equals != std::string::npos && text.find_first_of("([<>!'") > equals;
    Value value = language::evaluate(language::parse(keyword ? text.substr(equals + 1) : text), names);
    if (!keyword && !values.empty() && values.back().first == parameters.back().name && parameters.back().takes_rest) {
      Value::List all = values.back().second.is<Value::List>() ? values.back().second.as<Value::List>()
                                                               : Value::List{values.back().second};
      all.push_back(std::move(value));
      values.back().second = std::move(all);
    } else {
      values.emplace_back(keyword ? text.substr(0, equals) : parameters.at(values.size()).name, std::move(value));
    }
  }
  return values;
}

std::string said_to(const Function& f, Keywords values) {
  try {
    (void)f.call(Arguments(f, {}, std::move(values)));
  } catch (const ValueError& e) {
    return e.what();
  }
  return "nothing";
}

/// By the name in the signature, by a number in a list, or by the letter that C++ has where the signature has a word.
bool names_argument(const std::string& said, const Function& f, const std::string& name) {
  const std::string_view function = f.name, own = function == "im2col"   ? "unfold"
                                                  : function == "col2im" ? "fold"
                                                                         : function;
  const std::string letters[] = {name, "tensor " + name, "operand " + name, "x", "y", "start", "input x", "input y"};
  return std::any_of(std::begin(letters), std::end(letters), [&](const std::string& words) {
    return said == fmt::format("{}: {} is an empty tensor handle (made by default or moved from)", own, words);
  });
}

}  // namespace

TEST_CASE("an empty handle is refused by name, whatever argument of whatever function it is") {
  int tried = 0;
  for (const Function* f : functions()) {
    // No argument of theirs is a tensor of values; detach is a method of the handle itself.
    const std::string others = "detach tensor zeros ones full eye arange linspace rand randn randint";
    if (contains(fmt::format(" {} ", others), fmt::format(" {} ", f->name))) continue;
    const Keywords values = example_of(*f);
    const auto& parameters = parameters_of(*f);
    std::set<std::string> sentences;
    for (std::size_t k = 0; k < values.size(); ++k) {
      std::size_t place = 0;
      while (parameters.at(place).name != values[k].first) ++place;
      if (parameters[place].has_default && parameters[place].default_value.is<NoneType>()) continue;
      const std::string& name = values[k].first;
      std::vector<std::pair<Keywords, std::string>> calls;
      const Value& value = values[k].second;
      const bool indices = value.is<Value::List>() && (name == "index" || name == "indices" || name == "target" ||
                                                       name == "mask" || name == "tensor");
      if (value.is<Tensor>() || indices) {
        calls.emplace_back(values, name);
        calls.back().first[k].second = Tensor();
      } else if (value.is<Value::List>()) {
        for (std::size_t i = 0; i < value.as<Value::List>().size(); ++i) {
          Value::List list = value.as<Value::List>();
          if (!list[i].is<Tensor>()) continue;
          list[i] = Tensor();
          calls.emplace_back(values, std::to_string(i + 1));
          calls.back().first[k].second = std::move(list);
        }
      }
      for (const auto& [call, wanted] : calls) {
        const std::string said = said_to(*f, call);
        INFO(std::string(f->example) << " with an empty " << name << " said " << said);
        CHECK(names_argument(said, *f, wanted));
        CHECK_MESSAGE(sentences.insert(said).second, "the same is said of another argument");
        ++tried;
      }
    }
  }
  CHECK(tried > 200);
}
