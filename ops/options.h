// Types that several families take as arguments.
#pragma once

#include <boost/container/small_vector.hpp>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace chainrule {

/// One whole number, or a list of them in braces. Held in place: rules name axes in every step of a training.
class Integers : public boost::container::small_vector<std::int64_t, 8> {
  using Base = boost::container::small_vector<std::int64_t, 8>;

 public:
  Integers() = default;
  template <std::integral T>
  Integers(T one) : Base(1, static_cast<std::int64_t>(one)) {}
  template <std::same_as<bool> Flag>
  Integers(Flag) = delete;  // True is no number: in sum(x, axes, keepdim) the axes come first
  Integers(std::initializer_list<std::int64_t> list) : Base(list) {}
  Integers(const std::vector<std::int64_t>& list) : Base(list.begin(), list.end()) {}
  template <class Iterator>
  requires(!std::integral<Iterator>) Integers(Iterator begin, Iterator end) : Base(begin, end) {}
  template <std::integral A, std::integral B, std::integral... C>
  Integers(A, B, C...) = delete;  // write Axes{0, 1}
  static Integers filled(std::size_t count, std::int64_t number) {
    Integers list;
    list.assign(count, number);
    return list;
  }
};

/// The axes of a reduction; none means all. Negative axes count from the end.
using Axes = Integers;

/// One size for both image axes, or (height, width).
struct Size2 {
  std::int64_t h, w;
  constexpr Size2(std::int64_t both) : h(both), w(both) {}
  constexpr Size2(std::int64_t height, std::int64_t width) : h(height), w(width) {}
  bool operator==(const Size2&) const = default;
};

/// What becomes of the losses of a batch. The default of all losses comes first, so that {} means it.
enum class Reduction : std::uint8_t { mean, sum, none };

}  // namespace chainrule
