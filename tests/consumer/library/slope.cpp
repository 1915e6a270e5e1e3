// Uses chainrule and zlib in one program: neither may change how the other compiles or links.
#include "slope.h"

#include <zlib.h>

std::string slope_at(const chainrule::Tensor& x) {
  chainrule::Tensor z = x * x + 2 * x;
  z.backward();
  const std::string text = "dz/dx = " + std::to_string(x.grad().item());
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  return text + ", crc " + std::to_string(crc32(0, bytes, static_cast<unsigned>(text.size())));
}
