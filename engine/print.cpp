// Tensors as text, in NumPy's manner, with the same bytes in every locale.
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <ostream>

#include "engine/format.h"
#include "engine/tensor.h"
#include "engine/types/error.h"

namespace chainrule {

void internal::throw_tensor_format() {
  throw ValueError("a tensor's format is {} or {:.N}, N from 1 to 17, and f, e or g behind it");
}

namespace {

constexpr std::int64_t kShortenAbove = 1000, kShownAtEnds = 3;
constexpr int kEveryday = 6;  // digits

/// Whole numbers stand in full as far as every whole number is one of the type, unless fewer digits are asked for.
template <class T>
std::string written(T value, NumberFormat numbers) {
  constexpr T kWhole = static_cast<T>(std::int64_t{1} << std::numeric_limits<T>::digits);
  if (std::isnan(value)) return "nan";  // it has no sign
  if (value == 0) value = 0;            // nor has 0
  if (numbers.kind == 'f') return fmt::format("{:.{}f}", value, numbers.digits);
  if (numbers.kind == 'e') return fmt::format("{:.{}e}", value, numbers.digits);
  if (numbers.digits >= kEveryday && std::abs(value) <= kWhole && std::trunc(value) == value)
    return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{:.{}g}", value, numbers.digits);
}

struct Printer {
  std::vector<std::string> cells;  // formatted elements that are shown, in order
  std::size_t width = 0;
  std::size_t next = 0;
  bool shorten = false;

  template <class F>
  void each(std::int64_t size, F&& f) const {
    for (std::int64_t i = 0; i < size; ++i) {
      if (shorten && size > 2 * kShownAtEnds && i == kShownAtEnds) {
        f(-1);
        i = size - kShownAtEnds;
      }
      f(i);
    }
  }

  void collect(const TensorImpl& t, int axis, std::int64_t offset, NumberFormat numbers) {
    if (axis == t.shape().rank()) {
      cells.push_back(dispatch(t.dtype, [&](auto zero) {
        using T = decltype(zero);
        const T v = static_cast<const T*>(t.data)[offset];
        if constexpr (std::is_same_v<T, bool>)
          return std::string(v ? "true" : "false");
        else if constexpr (std::is_same_v<T, std::int64_t>)
          return fmt::format("{}", v);
        else
          return written(v, numbers);
      }));
      width = std::max(width, cells.back().size());
      return;
    }
    each(t.shape()[axis], [&](std::int64_t i) {
      if (i >= 0) collect(t, axis + 1, offset + i * t.strides()[axis], numbers);
    });
  }

  void write(std::string& out, const Shape& shape, int axis) {
    if (axis == shape.rank()) {
      out += fmt::format("{:>{}}", cells[next++], shape.empty() ? 0 : width);
      return;
    }
    const bool rows = axis + 1 < shape.rank();
    const std::string gap = rows ? ",\n" + std::string(axis + 1, ' ') : ", ";
    out += '[';
    bool first = true;
    each(shape[axis], [&](std::int64_t i) {
      if (!first) out += gap;
      first = false;
      if (i < 0)
        out += "...";
      else
        write(out, shape, axis + 1);
    });
    out += ']';
  }
};

}  // namespace

std::string to_string(const Tensor& tensor, NumberFormat numbers) {
  if (!tensor.defined()) return "(empty handle)";
  Printer printer;
  printer.shorten = tensor.numel() > kShortenAbove;
  printer.collect(tensor.impl(), 0, 0, numbers);
  std::string out;
  printer.write(out, tensor.shape(), 0);
  return out;
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace chainrule
