#include "ops/kernels/simd/instruction_set.h"

#include <cstdlib>

#include "engine/types/error.h"
#include "ops/kernels/simd/simd_targets.h"

#include <hwy/targets.h>

namespace chainrule::kernels {
namespace {

std::int64_t target_of(std::string_view name) {
#if HWY_ARCH_X86
  if (name == "avx512") return HWY_AVX3;
  if (name == "avx2") return HWY_AVX2;
#endif
  return name == "baseline" ? HWY_STATIC_TARGET : 0;
}

std::string_view use(std::string_view name) {
  // Highway's own choice is the best, the first; else all others are left out. It always keeps the baseline.
  if (name != instruction_sets().front()) hwy::DisableTargets(~target_of(name));
  return name;
}

}  // namespace

const std::vector<std::string_view>& instruction_sets() {
  static const std::vector<std::string_view> all = [] {
    std::vector<std::string_view> found;
    for (const std::string_view name : {"avx512", "avx2", "baseline"})
      if (name == "baseline" || (target_of(name) & HWY_TARGETS & hwy::SupportedTargets()) != 0) found.push_back(name);
    return found;
  }();
  return all;
}

std::string_view chosen_instruction_set(const char* given) {
  const std::vector<std::string_view>& all = instruction_sets();
  if (given == nullptr || *given == '\0') return all.front();
  std::string list;
  for (const std::string_view name : all) {
    if (name == given) return name;
    list += (list.empty() ? "" : ", ") + std::string(name);
  }
  throw ValueError("CHAINRULE_ISA=" + std::string(given) + ": this machine and this build have " + list);
}

std::string_view instruction_set() {
  static const std::string_view chosen = use(chosen_instruction_set(std::getenv("CHAINRULE_ISA")));
  return chosen;
}

}  // namespace chainrule::kernels
