// Our side of every workload.
#pragma once

#include "tools/bench/workloads.h"

namespace chainrule::bench {

Step make_ours(const Workload& workload, const Data& data);

}  // namespace chainrule::bench
