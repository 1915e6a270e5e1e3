// Types that several families take as arguments.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <vector>

namespace chainrule {

/// The axes of a reduction; none means all. Negative axes count from the end. Held in place: rules name axes in every
/// step of a training.
class Axes : public boost::container::small_vector<std::int64_t, 8> {
  using Base = boost::container::small_vector<std::int64_t, 8>;

 public:
  using Base::Base;
  Axes() = default;
  Axes(const std::vector<std::int64_t>& axes) : Base(axes.begin(), axes.end()) {}
};

/// One size for both image axes, or (height, width).
struct Size2 {
  std::int64_t h, w;
  constexpr Size2(std::int64_t both) : h(both), w(both) {}
  constexpr Size2(std::int64_t height, std::int64_t width) : h(height), w(width) {}
  bool operator==(const Size2&) const = default;
};

/// What becomes of the losses of a batch.
enum class Reduction : std::uint8_t { none, mean, sum };

}  // namespace chainrule
