// The second run is made only where there is something to say.
#include "tools/verbs/nan_note.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/random.h"
#include "engine/scopes.h"
#include "engine/system/text.h"

namespace chainrule {
namespace {

bool has_nan(const Tensor& t) {
  if (!t.defined() || !is_floating(t.dtype())) return false;
  const std::vector<double> v = t.to_vector();
  return std::any_of(v.begin(), v.end(), [](double one) { return std::isnan(one); });
}

}  // namespace

void tell_nan(const LoadedProgram& loaded, const Shown& shown,
              const std::function<void(const Tensor& result, const Names& names)>& derive) {
  if (loaded.asked.quiet || loaded.asked.json) return;
  const auto bad = std::find_if(shown.begin(), shown.end(), [](const NamedTensor& one) { return has_nan(one.tensor); });
  if (bad == shown.end()) return;
  std::string origin = "no operation of the program made it";
  for (const auto& [name, value] : loaded.bindings.names)
    if (value.is<Tensor>() && has_nan(value.as<Tensor>())) origin = fmt::format("{} is given so", printable(name));
  try {
    const AnomalyMode watched;
    manual_seed(loaded.asked.seed);
    Names names;
    const Tensor result = loaded.run(names);
    if (derive) derive(result, names);
  } catch (const Error& e) {
    origin = e.what();
  }
  fmt::print(stderr, "chainrule: {} is nan: {}\n", bad->name, origin);
}

}  // namespace chainrule
