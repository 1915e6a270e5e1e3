// What stands between the brackets of a subscript, as in NumPy: x[{0, Slice(1, 3), None, Ellipsis, rows, mask}].
// What subscripts select is computed by index() in ops/shape/subscripts.h.
#pragma once

#include <initializer_list>
#include <optional>
#include <type_traits>
#include <vector>

#include "engine/tensor.h"
#include "engine/types/source_location.h"

namespace chainrule {

/// Nothing: Python's None. In a subscript a new axis of size 1, in a Slice a bound that is left open.
struct NoneType {
  bool operator==(const NoneType&) const = default;
};
inline constexpr NoneType None{};

/// All axes that the other subscripts leave: Python's `...`.
struct EllipsisType {};
inline constexpr EllipsisType Ellipsis{};

/// start:stop:step. Negative numbers count from the end, bounds are clipped, and None leaves one open, as in Python.
struct Slice {
  struct Bound {
    std::optional<std::int64_t> value{};
    Bound(NoneType) {}
    template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Bound(T number)
        : value(static_cast<std::int64_t>(number)) {}
  };
  Bound start = None, stop = None, step = None;
  /// All of an axis, `:`.
  Slice() = default;
  Slice(Bound from, Bound to, Bound by = None) : start(from), stop(to), step(by) {}
};

/// One subscript: a whole number, a Slice, None, Ellipsis, a tensor of int64 (positions) or of bool (a mask).
class Index {
 public:
  enum class Kind : std::uint8_t { number, slice, new_axis, ellipsis, tensor };
  template <class T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Index(T number)
      : kind_(Kind::number), number_(static_cast<std::int64_t>(number)) {}
  Index(bool) = delete;  // a mask is a tensor; NumPy's True here would be a new axis
  Index(Slice slice) : kind_(Kind::slice), slice_(slice) {}
  Index(NoneType) : kind_(Kind::new_axis) {}
  Index(EllipsisType) : kind_(Kind::ellipsis) {}
  Index(Tensor tensor) : kind_(Kind::tensor), tensor_(std::move(tensor)) {}

  Kind kind() const { return kind_; }
  std::int64_t number() const { return number_; }
  const Slice& slice() const { return slice_; }
  const Tensor& tensor() const { return tensor_; }

 private:
  Kind kind_;
  std::int64_t number_ = 0;
  Slice slice_{};
  Tensor tensor_{};
};

/// What operator[] takes: one subscript, or several in braces. Lives for one call only.
class Subscripts {
 public:
  template <class T>
  requires std::is_convertible_v<const T&, Index> Subscripts(const T& one,
                                                             SourceLocation where = SourceLocation::current())
      : list_{Index(one)}, where_(where) {}
  Subscripts(std::initializer_list<Index> several, SourceLocation where = SourceLocation::current())
      : list_(several), where_(where) {}
  const std::vector<Index>& list() const { return list_; }
  const SourceLocation& where() const { return where_; }

 private:
  std::vector<Index> list_;
  SourceLocation where_;
};

}  // namespace chainrule
