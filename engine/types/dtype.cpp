// The names of element types in streams.
#include "engine/types/dtype.h"

#include <ostream>

namespace chainrule {

std::ostream& operator<<(std::ostream& out, DType d) { return out << name_of(d); }

}  // namespace chainrule
