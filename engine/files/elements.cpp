// Bytes to numbers, element type by element type. Deliberately no casts of file bytes to pointers of wider types: they
// may stand anywhere.
#include "engine/files/elements.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>
#include <cstring>
#include <limits>

#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

template <class Stored>
Stored load(const char* at, bool big_endian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Stored); ++i) {
    const std::size_t place = big_endian ? sizeof(Stored) - 1 - i : i;
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(at[i])) << (8 * place);
  }
  return static_cast<Stored>(value);
}

/// sign, 5 bits of exponent, 10 of fraction: a number, a subnormal one, infinite or not a number.
float from_half(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1Fu, fraction = bits & 0x3FFu;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return sign ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 0x1F ? 0xFFu : exponent + 127 - 15;
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

float from_bfloat(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

/// Each stored number through `convert(number, index)` into the tensor.
template <class Stored, class To, class Convert>
void fill(Tensor& into, std::string_view bytes, bool big_endian, Convert convert) {
  To* out = static_cast<To*>(into.impl().data);
  const std::size_t count = bytes.size() / sizeof(Stored);
  for (std::size_t i = 0; i < count; ++i)
    out[i] = convert(load<Stored>(bytes.data() + i * sizeof(Stored), big_endian), i);
}

template <class Signed>
void fill_integers(Tensor& into, std::string_view bytes, bool big_endian) {
  using Stored = std::make_unsigned_t<Signed>;
  fill<Stored, std::int64_t>(into, bytes, big_endian,
                             [](Stored v, std::size_t) { return static_cast<std::int64_t>(static_cast<Signed>(v)); });
}

template <class Stored>
void fill_unsigned(Tensor& into, std::string_view bytes, bool big_endian, const std::string& who) {
  fill<Stored, std::int64_t>(into, bytes, big_endian, [&](Stored v, std::size_t i) {
    if (std::uint64_t{v} > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
      throw ValueError(fmt::format("{}: element {} is {}, more than an int64 holds", who, i, v));
    return static_cast<std::int64_t>(v);
  });
}

void decode_into(Tensor& into, std::string_view bytes, const ElementLayout& layout, const std::string& who) {
  const bool big = layout.big_endian;
  switch (layout.element) {
    case Element::f16:
      return fill<std::uint16_t, float>(into, bytes, big, [](std::uint16_t v, std::size_t) { return from_half(v); });
    case Element::bf16:
      return fill<std::uint16_t, float>(into, bytes, big, [](std::uint16_t v, std::size_t) { return from_bfloat(v); });
    case Element::f32:
      return fill<std::uint32_t, float>(into, bytes, big,
                                        [](std::uint32_t v, std::size_t) { return std::bit_cast<float>(v); });
    case Element::f64:
      return fill<std::uint64_t, double>(into, bytes, big,
                                         [](std::uint64_t v, std::size_t) { return std::bit_cast<double>(v); });
    case Element::i8:
      return fill_integers<std::int8_t>(into, bytes, big);
    case Element::i16:
      return fill_integers<std::int16_t>(into, bytes, big);
    case Element::i32:
      return fill_integers<std::int32_t>(into, bytes, big);
    case Element::i64:
      return fill_integers<std::int64_t>(into, bytes, big);
    case Element::u8:
      return fill_unsigned<std::uint8_t>(into, bytes, big, who);
    case Element::u16:
      return fill_unsigned<std::uint16_t>(into, bytes, big, who);
    case Element::u32:
      return fill_unsigned<std::uint32_t>(into, bytes, big, who);
    case Element::u64:
      return fill_unsigned<std::uint64_t>(into, bytes, big, who);
    case Element::boolean:
      return fill<std::uint8_t, std::uint8_t>(into, bytes, big, [&](std::uint8_t v, std::size_t i) {
        if (v > 1) throw ValueError(fmt::format("{}: element {} is {}, a bool is 0 or 1", who, i, v));
        return v;
      });
  }
}

}  // namespace

std::size_t bytes_of(Element element) {
  switch (element) {
    case Element::i8:
    case Element::u8:
    case Element::boolean:
      return 1;
    case Element::f16:
    case Element::bf16:
    case Element::i16:
    case Element::u16:
      return 2;
    case Element::f32:
    case Element::i32:
    case Element::u32:
      return 4;
    default:
      return 8;
  }
}

DType dtype_for(Element element) {
  switch (element) {
    case Element::f16:
    case Element::bf16:
    case Element::f32:
      return DType::float32;
    case Element::f64:
      return DType::float64;
    case Element::boolean:
      return DType::boolean;
    default:
      return DType::int64;
  }
}

Shape checked_shape(const std::vector<std::int64_t>& sizes, Element element, const std::string& who) {
  if (sizes.size() > static_cast<std::size_t>(kMaxRank))
    throw ShapeError(fmt::format("{}: it has {} axes, a tensor has at most {}", who, sizes.size(), kMaxRank));
  Shape shape;
  for (const std::int64_t size : sizes) shape.push_back(size);
  check_shape(shape, item_size(dtype_for(element)), who.c_str());
  return shape;
}

std::uint64_t byte_size(const Shape& shape, Element element) {
  return static_cast<std::uint64_t>(numel(shape)) * bytes_of(element);
}

Tensor decode_elements(std::string_view bytes, const Shape& shape, const ElementLayout& layout,
                       const std::string& who) {
  const DType dtype = dtype_for(layout.element);
  // Types whose every value is one of the dtype, in this machine's order.
  const Element e = layout.element;
  const bool whole = (e == Element::f32 || e == Element::f64 || e == Element::i64) && !layout.big_endian &&
                     std::endian::native == std::endian::little;
  Tensor flat = empty(layout.column_major ? Shape{numel(shape)} : shape, dtype);
  if (whole && !bytes.empty())
    std::memcpy(flat.impl().data, bytes.data(), bytes.size());
  else
    decode_into(flat, bytes, layout, who);
  if (!layout.column_major) return flat;
  Strides strides = Strides::filled(shape.size(), 0);
  std::int64_t step = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    strides[i] = step;
    step *= shape[i];
  }
  return dense(internal::view(flat, shape, strides));
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return value;
}

std::string file_of(const char* kind, std::string_view file, std::optional<std::string_view> array) {
  std::string who = fmt::format("{} file '{}'", kind, shorten(printable(file), 200));
  return array ? fmt::format("{}, array '{}'", who, shorten(printable(*array), 80)) : who;
}

void throw_no_array(const std::string& who, std::string_view name, const std::vector<std::string>& names) {
  std::vector<std::string> some;
  some.reserve(names.size());
  for (const std::string& one : names) some.push_back(shorten(printable(one), 40));
  if (some.size() > 12) {
    some.resize(12);
    some.emplace_back("...");
  }
  throw ValueError(fmt::format("{}: there is no array '{}' in it; it holds {}", who, shorten(printable(name), 80),
                               some.empty() ? "none" : fmt::format("{}", fmt::join(some, ", "))));
}

}  // namespace chainrule
