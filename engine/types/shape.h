// Shapes and strides: at most eight axes, held in place. Sizes are elements, strides are elements too.
#pragma once

#include <boost/container/static_vector.hpp>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <utility>

namespace chainrule {

inline constexpr int kMaxRank = 8;

/// Throws ShapeError when there are more than eight axes.
void check_rank(std::size_t rank);

/// One whole number for each axis. Braces list them; parentheses, where a count and a list look alike, do not compile.
class AxisNumbers : public boost::container::static_vector<std::int64_t, kMaxRank> {
  using Base = boost::container::static_vector<std::int64_t, kMaxRank>;

 public:
  AxisNumbers() = default;
  AxisNumbers(std::initializer_list<std::int64_t> list) : Base((check_rank(list.size()), list.begin()), list.end()) {}
  template <class Iterator>
  requires(!std::integral<Iterator>) AxisNumbers(Iterator begin, Iterator end) : Base(begin, end) {}
  template <std::integral A, std::integral... B>
  explicit AxisNumbers(A, B...) = delete;  // write Shape{2, 3}; for equal sizes Shape::filled(count, size)

 protected:
  struct Filled {};
  AxisNumbers(Filled, std::size_t count, std::int64_t number) : Base((check_rank(count), count), number) {}
};

/// The sizes of a tensor's axes.
class Shape : public AxisNumbers {
 public:
  using AxisNumbers::AxisNumbers;
  static Shape filled(std::size_t axes, std::int64_t size) { return {Filled{}, axes, size}; }
  int rank() const { return static_cast<int>(size()); }
};

/// The elements between neighbours along each axis.
class Strides : public AxisNumbers {
 public:
  using AxisNumbers::AxisNumbers;
  static Strides filled(std::size_t axes, std::int64_t stride) { return {Filled{}, axes, stride}; }
};

/// "(2, 3)", "(5,)", "()".
std::string to_string(const AxisNumbers& numbers);
std::ostream& operator<<(std::ostream& out, const AxisNumbers& numbers);

/// Number of elements. The shape has been checked, so this cannot overflow.
inline std::int64_t numel(const Shape& shape) {
  std::int64_t n = 1;
  for (auto size : shape) n *= size;
  return n;
}

/// Throws ShapeError for a negative size, or when elements or bytes pass 2^63 - 1; `who` opens the sentence.
void check_shape(const Shape& shape, std::size_t item_bytes, const char* who);

/// Row-major strides.
Strides contiguous_strides(const Shape& shape);

/// NumPy's rule; throws ShapeError that names `who`, both shapes and the axis that does not fit.
Shape broadcast_shapes(const Shape& x, const Shape& y, const char* who);

/// An axis counted from the end when negative; throws ShapeError when out of range. `who` opens the sentence.
int normal_axis(std::int64_t axis, int rank, const char* who);

/// Sorts a handful of axes: stable, and without memory of its own, which std::stable_sort asks for.
template <class Iterator, class Less>
void sort_axes(Iterator begin, Iterator end, Less less) {
  for (Iterator i = begin; i != end; ++i)
    for (Iterator j = i; j != begin && less(*j, *(j - 1)); --j) std::swap(*j, *(j - 1));
}

}  // namespace chainrule
