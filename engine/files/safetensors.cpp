// safetensors: eight bytes with the header's length, a header in JSON that gives each tensor's dtype, shape and place,
// and the elements. The header is read as a stream of events, so that nothing in it can nest or pile up.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "engine/files/array_files.h"
#include "engine/files/elements.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr std::uint64_t kLargestHeader = 100'000'000;  // as in the reference reader
constexpr std::size_t kMostNames = std::size_t{1} << 17;

constexpr std::array<std::pair<std::string_view, Element>, 13> kTypes = {{{"F16", Element::f16},
                                                                          {"BF16", Element::bf16},
                                                                          {"F32", Element::f32},
                                                                          {"F64", Element::f64},
                                                                          {"I8", Element::i8},
                                                                          {"I16", Element::i16},
                                                                          {"I32", Element::i32},
                                                                          {"I64", Element::i64},
                                                                          {"U8", Element::u8},
                                                                          {"U16", Element::u16},
                                                                          {"U32", Element::u32},
                                                                          {"U64", Element::u64},
                                                                          {"BOOL", Element::boolean}}};

struct Entry {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::uint64_t> offsets;  // begin and end
  bool has_dtype = false, has_shape = false, has_offsets = false;
};

/// {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {"text": "text"}}
class HeaderReader final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(const std::string& who) : who_(who) {}
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

  bool null() override { return fail("null"); }
  bool boolean(bool) override { return fail("true or false"); }
  bool number_integer(number_integer_t) override { return fail("a negative number"); }
  bool number_float(number_float_t, const string_t& text) override {
    return fail(fmt::format("the number {}", shorten(text, 40)));
  }
  bool binary(binary_t&) override { return fail("binary data"); }
  bool number_unsigned(number_unsigned_t number) override {
    if (depth_ != 3) return fail(fmt::format("the number {}", number));
    if (in_shape_) {
      if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        refuse(fmt::format("a size of '{}' does not fit into 64 bits", name()));
      if (entries.back().shape.size() == static_cast<std::size_t>(kMaxRank))
        refuse(fmt::format("'{}' has more than {} axes", name(), kMaxRank));
      entries.back().shape.push_back(static_cast<std::int64_t>(number));
    } else {
      if (entries.back().offsets.size() == 2) refuse(fmt::format("data_offsets of '{}' are more than two", name()));
      entries.back().offsets.push_back(number);
    }
    return true;
  }
  bool string(string_t& text) override {
    if (depth_ != 2) return fail("a text");
    if (in_metadata_) {
      metadata[key_] = text;
      return true;
    }
    if (key_ != "dtype") return fail("a text");
    entries.back().dtype = text;
    return true;
  }
  bool start_object(std::size_t) override {
    if (depth_ > 1) return fail("an object");
    ++depth_;
    keys_.clear();
    return true;
  }
  bool key(string_t& text) override {
    text = composed(std::move(text));
    key_ = text;
    std::set<std::string>& known = depth_ == 1 ? names_ : keys_;
    if (known.size() == kMostNames) refuse(fmt::format("there are more than {} names", kMostNames));
    if (!known.insert(text).second) refuse(fmt::format("the key '{}' is given twice", shorten(printable(text), 80)));
    if (depth_ == 1) {
      in_metadata_ = text == "__metadata__";
      if (!in_metadata_) {
        entries.emplace_back();
        entries.back().name = text;
      }
      return true;
    }
    if (in_metadata_) return true;
    Entry& entry = entries.back();
    if (text == "dtype")
      entry.has_dtype = true;
    else if (text == "shape")
      entry.has_shape = true;
    else if (text == "data_offsets")
      entry.has_offsets = true;
    else
      refuse(fmt::format("'{}' of '{}' is no key of a tensor", shorten(printable(text), 40), name()));
    return true;
  }
  bool end_object() override {
    if (--depth_ != 1 || in_metadata_) return true;
    const Entry& entry = entries.back();
    if (!entry.has_dtype || !entry.has_shape || !entry.has_offsets)
      refuse(fmt::format("'{}' must have dtype, shape and data_offsets", name()));
    if (entry.offsets.size() != 2) refuse(fmt::format("data_offsets of '{}' are not two", name()));
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || (key_ != "shape" && key_ != "data_offsets")) return fail("a list");
    in_shape_ = key_ == "shape";
    ++depth_;
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 9: syntax error while ..."
    std::string why = error.what();
    const std::size_t words = why.find(": ");
    if (words != std::string::npos) why.erase(0, words + 2);
    refuse(fmt::format("byte {} is no sound JSON: {}", at + 7, shorten(printable(why), 160)));
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw ValueError(fmt::format("{}: the header is wrong: {}", who_, what));
  }
  std::string name() const { return shorten(printable(entries.back().name), 80); }
  bool fail(const std::string& what) const {
    refuse(fmt::format("{} stands where it must not{}", what,
                       key_.empty() ? "" : fmt::format(", at '{}'", shorten(printable(key_), 80))));
  }

  const std::string& who_;
  std::string key_;
  std::set<std::string> names_, keys_;
  int depth_ = 0;  // 1: the names, 2: the facts of one, 3: a list of numbers
  bool in_metadata_ = false, in_shape_ = false;
};

/// The tensors must fill the file from the header to its end, without holes and without a byte that two share.
void check_places(std::vector<Entry>& entries, std::uint64_t size, const std::string& who) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return a.offsets < b.offsets; });
  std::uint64_t end = 0;
  for (const Entry& entry : entries) {
    const std::uint64_t from = entry.offsets[0], to = entry.offsets[1];
    const auto refuse = [&](const std::string& why) {
      throw ValueError(
          fmt::format("{}: data_offsets [{}, {}] of '{}' {}", who, from, to, shorten(printable(entry.name), 80), why));
    };
    if (to < from) refuse("end before they begin");
    if (to > size) refuse(fmt::format("go beyond the {} bytes of data", size));
    if (from < end) refuse("overlap the tensor before");
    if (from > end) refuse(fmt::format("leave bytes {} to {} to nobody", end, from));
    end = to;
  }
  if (end != size)
    throw ValueError(fmt::format("{}: {} bytes behind the last tensor belong to nobody", who, size - end));
}

Tensor tensor_of(const Entry& entry, std::string_view data, const std::string& file) {
  const std::string who = file_of("safetensors", file, entry.name);
  const auto known = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& e) { return e.first == entry.dtype; });
  if (known == kTypes.end())
    throw ValueError(fmt::format("{}: its dtype is '{}'; float, integer and BOOL types of whole bytes are read", who,
                                 shorten(printable(entry.dtype), 40)));
  const Shape shape = checked_shape(entry.shape, known->second, who);
  const std::uint64_t bytes = entry.offsets[1] - entry.offsets[0];
  if (byte_size(shape, known->second) != bytes)
    throw ValueError(fmt::format("{}: its shape {} needs {} bytes, its data_offsets give it {}", who, to_string(shape),
                                 byte_size(shape, known->second), bytes));
  return decode_elements(data.substr(entry.offsets[0], bytes), shape, {.element = known->second}, who);
}

SafetensorsFile parse_with_texts(std::string_view bytes, const std::string& file,
                                 std::optional<std::string_view> only) {
  const std::string who = file_of("safetensors", file);
  constexpr std::size_t kLengthBytes = 8;
  if (bytes.size() < kLengthBytes)
    throw ValueError(
        fmt::format("{}: {}", who, bytes.empty() ? "it is empty" : "it is cut off within the first 8 bytes"));
  const std::uint64_t length = little_endian(bytes.substr(0, kLengthBytes));
  if (length > kLargestHeader)
    throw ValueError(fmt::format("{}: its header would have {} bytes, more than {}", who, length, kLargestHeader));
  if (length > bytes.size() - kLengthBytes)
    throw ValueError(fmt::format("{}: its header of {} bytes is cut off at byte {}", who, length, bytes.size()));
  const std::string_view header = bytes.substr(kLengthBytes, length), data = bytes.substr(kLengthBytes + length);
  if (!header.starts_with('{')) throw ValueError(who + ": its header does not begin with {");
  // The JSON reader takes a NUL for the end.
  if (const std::size_t nul = header.find('\0'); nul != std::string_view::npos)
    throw ValueError(fmt::format("{}: the header is wrong: byte {} is a NUL", who, kLengthBytes + nul));
  HeaderReader reader(who);
  nlohmann::json::sax_parse(header.begin(), header.end(), &reader);
  check_places(reader.entries, data.size(), who);
  std::vector<NamedTensor> arrays;
  std::vector<std::string> names;
  arrays.reserve(only ? 1 : reader.entries.size());
  names.reserve(reader.entries.size());
  for (const Entry& entry : reader.entries) {
    if (!only || entry.name == *only) arrays.push_back({entry.name, tensor_of(entry, data, file)});
    names.push_back(entry.name);
  }
  if (only && arrays.empty()) throw_no_array(who, *only, names);
  return {std::move(arrays), std::move(reader.metadata)};
}

}  // namespace

std::vector<NamedTensor> parse_safetensors(std::string_view bytes, const std::string& file,
                                           std::optional<std::string_view> only) {
  return parse_with_texts(bytes, file, only).tensors;
}

SafetensorsFile parse_safetensors_file(std::string_view bytes, const std::string& file) {
  return parse_with_texts(bytes, file, {});
}

SafetensorsFile read_safetensors(const std::string& path) {
  return parse_with_texts(read_file(path, "safetensors file"), path, {});
}

}  // namespace chainrule
