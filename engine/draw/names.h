// Inner header: for our own sources, not installed.
// What each value is called, in every form alike: on edges and boxes, in symbols, steps, titles and tooltips.
#pragma once

#include <set>
#include <string>

#include "engine/draw/view.h"

namespace chainrule {

/// Gives each item its name (GraphItem::letter), no two the same. The program's own names come first: "x"; when it
/// gives a name again, "x₂"; the weight of one of several modules is "fc1.weight". A result without a name is "result",
/// a constant number stands for itself, and what is left gets letters: a, b ... z, a2 ... Never "g", nor a word that
/// the rules in this picture use for something else. Call it after folding.
void give_letters(GraphView& view);

/// The item's name where module `box` is drawn or spoken of: in the box of fc1, "weight" for "fc1.weight".
std::string name_in(const GraphItem& item, const ModulePath* box);

/// The names of an operation's inputs, by place among the operation's inputs; "" for its own notes. `links` are those
/// that end at the operation.
std::vector<std::string> input_names(const GraphView& view, std::span<const GraphLink> links);

/// The links that end at the item.
std::span<const GraphLink> links_to(const GraphView& view, std::size_t item);

/// The names of all items.
std::set<std::string, std::less<>> all_names(const GraphView& view);

}  // namespace chainrule
