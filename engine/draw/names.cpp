// One pass gives all names; nothing else in the drawing invents any.
#include "engine/draw/names.h"

#include <algorithm>
#include <map>

#include "engine/draw/numbers.h"
#include "engine/draw/rule.h"
#include "engine/system/text.h"

namespace chainrule {
namespace {

// "₂", "₁₀"
std::string subscript_digits(std::size_t n) {
  std::string text;
  for (const char digit : std::to_string(n)) text += {'\xE2', '\x82', static_cast<char>(0x80 + (digit - '0'))};
  return text;
}

// "x", or "x₂" where x is taken, and so on.
std::string unused(const std::string& name, std::set<std::string, std::less<>>& taken) {
  std::string given = name;
  for (std::size_t n = 2; !taken.insert(given).second; ++n) given = name + subscript_digits(n);
  return given;
}

}  // namespace

void give_letters(GraphView& view) {
  std::map<std::string_view, std::size_t> uses;
  for (const GraphItem& item : view.items) uses[item.label] += !item.label.empty() && item.kind != ItemKind::result;
  std::set<std::string, std::less<>> taken;
  for (GraphItem& item : view.items) {
    item.letter.clear();
    if (item.kind == ItemKind::result) continue;
    if (item.kind == ItemKind::folded)
      item.letter = "«" + (item.label.empty() ? "…" : item.label) + "»";
    else if (!item.label.empty())  // the weight of which module
      item.letter =
          unused(item.module && uses[item.label] > 1 ? item.module->full() + "." + item.label : item.label, taken);
    else if (item.kind == ItemKind::constant && has_one_element(item.value))
      item.letter =
          item.dtype == DType::boolean ? item.value.item() != 0 ? "true" : "false" : number_text(item.value.item());
  }
  // The value of a result's operation is the result.
  for (const GraphLink& link : view.links) {
    GraphItem& from = view.items[link.from];
    GraphItem& to = view.items[link.to];
    if (to.kind != ItemKind::result) continue;
    const bool computed = from.kind == ItemKind::operation;
    if (computed && from.letter.empty()) from.letter = unused("result", taken);
    to.letter = computed ? from.letter : to.label.empty() ? unused("result", taken) : to.label;
  }
  taken.insert("g");
  for (const GraphItem& item : view.items)
    if (item.info)
      for (const std::string& word : words_of_rules(*item.info)) taken.insert(word);
  std::size_t next = 0;
  for (GraphItem& item : view.items) {
    while (item.letter.empty()) {
      std::string name(1, static_cast<char>('a' + next % 26));
      if (next >= 26) name += std::to_string(next / 26 + 1);
      ++next;
      if (taken.insert(name).second) item.letter = std::move(name);
    }
  }
}

std::string name_in(const GraphItem& item, const ModulePath* box) {
  if (!box || item.label.empty() || item.letter.size() <= item.label.size()) return item.letter;
  const std::string path = box->full() + ".";
  return item.letter.starts_with(path) ? item.letter.substr(path.size()) : item.letter;
}

std::span<const GraphLink> links_to(const GraphView& view, std::size_t item) {
  const auto [first, last] = std::equal_range(view.links.begin(), view.links.end(), GraphLink{.from = 0, .to = item},
                                              [](const GraphLink& a, const GraphLink& b) { return a.to < b.to; });
  return {first, last};
}

std::vector<std::string> input_names(const GraphView& view, std::span<const GraphLink> links) {
  std::vector<std::string> names;
  for (const GraphLink& link : links) {
    const auto place = static_cast<std::size_t>(link.input);
    if (place >= names.size()) names.resize(place + 1);
    names[place] = name_in(view.items[link.from], view.items[link.to].module);
  }
  return names;
}

std::set<std::string, std::less<>> all_names(const GraphView& view) {
  std::set<std::string, std::less<>> names;
  for (const GraphItem& item : view.items) names.insert(item.letter);
  return names;
}

}  // namespace chainrule
