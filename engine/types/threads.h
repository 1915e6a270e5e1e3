// How many threads work on one operation. The functions are defined beside the kernels that obey them.
#pragma once

namespace chainrule {

/// How many threads operations may use, from now on and whichever thread calls them; 0 or less asks for the default of
/// the machine (the environment variable OMP_NUM_THREADS, else all cores). No result depends on it.
void set_num_threads(int count);

/// How many that is: 1 where the library was built without OpenMP.
int num_threads();

}  // namespace chainrule
