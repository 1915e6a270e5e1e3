// NumPy's .npy: a magic word, a version, a header that is a Python dictionary, and the elements. The header is read by
// a grammar of its own that knows three keys and nothing else; it is never evaluated.
#include <fmt/format.h>

#include <array>
#include <bit>
#include <charconv>

#include "engine/files/array_files.h"
#include "engine/files/elements.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

struct NamedElement {
  std::string_view name;  // as NumPy writes it, without the byte order
  Element element;
};
constexpr std::array<NamedElement, 12> kElements = {{{"f2", Element::f16},
                                                     {"f4", Element::f32},
                                                     {"f8", Element::f64},
                                                     {"i1", Element::i8},
                                                     {"i2", Element::i16},
                                                     {"i4", Element::i32},
                                                     {"i8", Element::i64},
                                                     {"u1", Element::u8},
                                                     {"u2", Element::u16},
                                                     {"u4", Element::u32},
                                                     {"u8", Element::u64},
                                                     {"b1", Element::boolean}}};

/// {'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), } and spaces, and a line end.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, std::size_t offset, const std::string& who)
      : text_(text), offset_(offset), who_(who) {}

  void parse() {
    expect('{');
    while (!accept('}')) {
      const std::string_view key = quoted();
      expect(':');
      if (key == "descr" && !descr)
        descr = description();
      else if (key == "fortran_order" && !fortran_order)
        fortran_order = truth();
      else if (key == "shape" && !shape)
        shape = sizes();
      else
        fail(fmt::format("'{}' is {}", shorten(printable(key), 40),
                         key == "descr" || key == "fortran_order" || key == "shape" ? "given twice" : "no key of it"));
      if (accept(',')) continue;
      expect('}');
      break;
    }
    skip_spaces();
    if (at_ + 1 != text_.size() || text_[at_] != '\n') fail("it does not end in one line break");
    if (!descr || !fortran_order || !shape) fail("it must give descr, fortran_order and shape");
  }

  std::optional<std::string_view> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::int64_t>> shape;

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw ValueError(fmt::format("{}: the header is wrong at byte {}: {}", who_, offset_ + at_, what));
  }
  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool accept(char c) {
    skip_spaces();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("'{}' is expected", c));
  }
  std::string_view quoted() {
    skip_spaces();
    if (at_ == text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) fail("a text in quotes is expected");
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) fail("a quote is not closed");
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    if (inside.find('\\') != std::string_view::npos) fail("a \\ is not allowed");
    at_ = end + 1;
    return inside;
  }
  std::string_view description() {
    skip_spaces();
    if (at_ < text_.size() && (text_[at_] == '[' || text_[at_] == '('))
      throw ValueError(who_ + ": its elements are structures of several fields, which have no tensor");
    return quoted();
  }
  bool truth() {
    skip_spaces();
    for (const std::string_view word : {"True", "False"}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return word == "True";
    }
    fail("True or False is expected");
  }
  std::vector<std::int64_t> sizes() {
    std::vector<std::int64_t> list;
    expect('(');
    while (!accept(')')) {
      skip_spaces();
      std::int64_t size = 0;
      const char* begin = text_.data() + at_;
      const auto [end, status] = std::from_chars(begin, text_.data() + text_.size(), size);
      if (status == std::errc::result_out_of_range) fail("a size of the shape does not fit into 64 bits");
      if (status != std::errc{}) fail("a size of the shape, a whole number, is expected");
      at_ += static_cast<std::size_t>(end - begin);
      if (at_ < text_.size() && text_[at_] == 'L') ++at_;  // Python 2 wrote long numbers as 3L
      list.push_back(size);
      // One size needs its comma, as in Python: (3) is a number.
      if (accept(',')) continue;
      if (list.size() == 1) fail("',' is expected");
      expect(')');
      break;
    }
    return list;
  }

  std::string_view text_;
  std::size_t offset_, at_ = 0;
  const std::string& who_;
};

ElementLayout layout_of(std::string_view descr, bool fortran_order, const std::string& who) {
  const char order = descr.empty() ? ' ' : descr[0];
  for (const auto& [name, element] : kElements) {
    if (descr.substr(descr.empty() ? 0 : 1) != name) continue;
    const bool one_byte = bytes_of(element) == 1;
    if (order == '<' || order == '>' || (order == '|' && one_byte))
      return {.element = element, .big_endian = order == '>', .column_major = fortran_order};
  }
  if (order == '|' && descr.substr(1) == "O")
    throw ValueError(who + ": its elements are Python objects, which only running Python code could read");
  throw ValueError(fmt::format("{}: its element type is '{}'; float, integer and bool types are read", who,
                               shorten(printable(descr), 40)));
}

std::string descr_of(DType dtype) {
  if (dtype == DType::boolean) return "|b1";
  const char order = std::endian::native == std::endian::little ? '<' : '>';
  return fmt::format("{}{}", order, dtype == DType::float32 ? "f4" : dtype == DType::float64 ? "f8" : "i8");
}

}  // namespace

NpyHeader parse_npy_header(std::string_view start, std::uint64_t total, const std::string& who) {
  if (!start.starts_with(kMagic) && !(start.size() < kMagic.size() && kMagic.starts_with(start) && !start.empty()))
    throw ValueError(who + (start.empty() ? ": it is empty" : ": it does not begin as an npy array does"));
  constexpr std::size_t kVersion = 6;
  const auto version = static_cast<unsigned char>(start.size() > kVersion ? start[kVersion] : 1);
  const auto minor = static_cast<unsigned char>(start.size() > kVersion + 1 ? start[kVersion + 1] : 0);
  if (version < 1 || version > 3 || minor != 0)
    throw ValueError(fmt::format("{}: its npy version is {}.{}; 1.0, 2.0 and 3.0 are read", who, version, minor));
  const std::size_t begin = version == 1 ? 10 : 12;
  if (start.size() < begin) throw ValueError(fmt::format("{}: it is cut off at byte {}", who, start.size()));
  const std::uint64_t length = little_endian(start.substr(8, begin - 8));
  if (length > kLargestNpyHeader - begin)
    throw ValueError(fmt::format("{}: its header would have {} bytes, more than {}", who, length, kLargestNpyHeader));
  if (length > start.size() - begin)
    throw ValueError(fmt::format("{}: its header of {} bytes is cut off at byte {}", who, length, start.size()));
  HeaderParser header(start.substr(begin, length), begin, who);
  header.parse();
  NpyHeader result{layout_of(*header.descr, *header.fortran_order, who), {}, begin + length};
  result.shape = checked_shape(*header.shape, result.layout.element, who);
  const std::uint64_t wanted = byte_size(result.shape, result.layout.element), there = total - result.size;
  if (wanted != there)
    throw ValueError(fmt::format("{}: its shape {} needs {} bytes, {} follow the header: it is {}", who,
                                 to_string(result.shape), wanted, there,
                                 wanted > there ? "cut off" : "followed by something else"));
  return result;
}

Tensor npy_array(std::string_view bytes, const std::string& who) {
  const NpyHeader header = parse_npy_header(bytes, bytes.size(), who);
  return decode_elements(bytes.substr(header.size), header.shape, header.layout, who);
}

Tensor parse_npy(std::string_view bytes, const std::string& file) { return npy_array(bytes, file_of("npy", file)); }

std::string npy_bytes(const Tensor& array) {
  const Tensor rows = dense(array.detach());
  const std::string dictionary = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}",
                                             descr_of(array.dtype()), to_string(array.shape()));
  // The elements begin at a multiple of 64, where NumPy can map them.
  const std::size_t length = (kMagic.size() + 4 + dictionary.size() + 1 + 63) / 64 * 64 - kMagic.size() - 4;
  std::string bytes(kMagic);
  bytes += {1, 0, static_cast<char>(length & 0xFF), static_cast<char>(length >> 8)};
  bytes += dictionary;
  bytes.append(length - dictionary.size() - 1, ' ');
  bytes += '\n';
  const std::size_t size = static_cast<std::size_t>(array.numel()) * item_size(array.dtype());
  if (size > 0) bytes.append(static_cast<const char*>(rows.data()), size);
  return bytes;
}

void write_npy(const std::string& path, const Tensor& array) { write_file(path, npy_bytes(array)); }

}  // namespace chainrule
