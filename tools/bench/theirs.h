// libtorch's side of every workload, behind an interface without its types: its headers take long to compile.
#pragma once

#include <string>

#include "tools/bench/learner.h"
#include "tools/bench/workloads.h"

namespace chainrule::bench {

Step make_theirs(const Workload& workload, const Data& data);
/// Throws std::invalid_argument for a network that it does not know.
std::unique_ptr<Learner> make_their_learner(const Learning& learning, const std::vector<FirstNumbers>& parameters);
void set_their_threads(int threads);
/// "libtorch 1.13.0, products by /path/of/libblas.so.3 (Haswell)".
std::string their_version();
/// Whether that is a fast library; Debian's libtorch also runs with the reference BLAS, tens of times slower.
bool their_blas_is_fast();
/// The processor that OpenBLAS chose its kernels for; "" when it is another library.
std::string their_blas_core();

}  // namespace chainrule::bench
