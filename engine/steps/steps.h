// A graph step by step: values forward, one operation at a time, then gradients backward, where every share is the
// incoming gradient times a local derivative, and shares that meet add up. As text, as JSON, and as pictures.
#pragma once

#include <string>

#include "engine/draw/diagram.h"

namespace chainrule {

/// The steps for a terminal, numbered: each formula in names, then with the numbers put in, then its value. Values and
/// gradients are known in graphs that keep them (`variable`, TeachingMode); the way back is shown after backward().
std::string steps_to_text(const Tensor& result, const GraphOptions& options = {});

/// The same as JSON: `nodes` and `edges` as in graph_to_json, and `steps` that refer to them by id.
std::string steps_to_json(const Tensor& result, const GraphOptions& options = {});

/// Writes into the folder, which is made if need be: `steps.txt`, `steps.json`, `frame-001.dot` and so on, one for each
/// step, all with the same layout, and `player.html`, one page that needs nothing else and shows the steps one after
/// the other; `player.html#7` is the seventh. Each file whole or not at all; files of an earlier call are replaced, and
/// its further frames removed. Returns the number of steps. Throws ValueError above 200 operations (fold modules then)
/// and EnvironmentError when Graphviz, which draws the page, is missing or fails; the files that need neither are
/// written before that.
std::size_t write_steps(const std::string& folder, const Tensor& result, const GraphOptions& options = {});

}  // namespace chainrule
