// What a number was measured on: processor, instruction set, threads, build, and the limit that the processor sets.
#pragma once

#include <string>

namespace chainrule::bench {

std::string cpu_name();
/// The widest that our kernels use here: "AVX3" is AVX-512.
std::string instruction_set();
/// "release" or "debug", with sanitizers where there are any.
std::string build_type();
/// True when the compiler optimised, assertions are off and no sanitizer is in: then times mean something.
bool is_release_build();
/// How threads wait for work: OMP_WAIT_POLICY and GOMP_SPINCOUNT, as they are set.
std::string wait_policy();
/// Sets how threads wait, for both sides, and OpenBLAS's kernels where it chose its oldest (`blas_core`, see theirs.h),
/// unless they are set. Libraries read it when they are loaded, so the program begins anew where anything changed.
void settle_environment(char** argv, const std::string& blas_core);
/// Fused multiply-adds of float32 that `threads` threads do together, in FLOP a second: the best of several bursts.
double fma_peak(int threads);
/// Two lines: machine and build.
std::string machine_text(int threads, double peak);
/// One loud line for stderr when this is not a release build.
void warn_off_release();

}  // namespace chainrule::bench
