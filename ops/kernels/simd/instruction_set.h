// Inner header: for our own sources, not installed.
// Which of the compiled instruction sets loops are chosen from: the best that this machine has, or what the environment
// variable CHAINRULE_ISA says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace chainrule::kernels {

/// The sets that were compiled and that this machine has, the best first, of avx512, avx2 and baseline: what the
/// compiler may take for granted, on ARM with NEON. `baseline` is always one of them.
const std::vector<std::string_view>& instruction_sets();

/// The one in use: the first of them, or the one that CHAINRULE_ISA names. Throws ValueError when it names another.
/// Asked for before any loop is chosen, so every kernel obeys; what was chosen once stays for the life of the process.
std::string_view instruction_set();

/// What `given`, the value of CHAINRULE_ISA, chooses; null and "" choose the best.
std::string_view chosen_instruction_set(const char* given);

}  // namespace chainrule::kernels
