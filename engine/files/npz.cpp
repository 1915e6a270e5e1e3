// NumPy's .npz: a zip archive of .npy members. libzip reads and writes the archive's structure; what a member holds is
// unpacked by inflate.h, so that a stream can neither end early, go on behind its end, nor fill the memory before it
// is believed.
#include <fmt/format.h>
#include <zip.h>
#include <zlib.h>

#include <memory>
#include <set>

#include "engine/files/array_files.h"
#include "engine/files/elements.h"
#include "engine/files/inflate.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

/// The archive in `bytes`, or in a growing buffer that starts empty. `source` is kept for reading back when asked for.
Archive open_archive(std::string_view bytes, int flags, const std::string& who, zip_source_t** source = nullptr) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* from = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  zip_t* archive = from ? zip_open_from_source(from, flags, &error) : nullptr;
  if (!archive) {
    if (from) zip_source_free(from);
    const int code = zip_error_code_zip(&error);
    const bool memory = code == ZIP_ER_MEMORY;
    const std::string text = code == ZIP_ER_EXISTS ? "a name is given twice" : zip_error_strerror(&error);
    zip_error_fini(&error);
    if (memory) throw EnvironmentError(who + ": " + text);
    throw ValueError(fmt::format("{}: it is no sound zip archive: {}", who, text));
  }
  if (source) {
    zip_source_keep(from);
    *source = from;
  }
  return Archive(archive);
}

struct Member {
  std::string name;  // of the array: without .npy
  zip_uint64_t index = 0, packed = 0, size = 0;
  std::uint32_t crc = 0;
  bool deflated = false;
};

Member member_at(zip_t* archive, zip_uint64_t index, std::uint64_t archive_size, const std::string& who) {
  zip_stat_t facts;
  zip_stat_init(&facts);
  if (zip_stat_index(archive, index, ZIP_FL_ENC_RAW, &facts) != 0)
    throw ValueError(fmt::format("{}: member {} has no readable entry", who, index));
  const std::string_view stored_name = facts.name;
  Member member;
  member.name =
      composed(std::string(stored_name.substr(0, stored_name.size() - (stored_name.ends_with(".npy") ? 4 : 0))));
  const auto refuse = [&](const std::string& why) {
    throw ValueError(fmt::format("{}: member {} ('{}') {}", who, index, shorten(printable(stored_name), 80), why));
  };
  if (facts.encryption_method != ZIP_EM_NONE) refuse("is encrypted");
  if (facts.comp_method != ZIP_CM_STORE && facts.comp_method != ZIP_CM_DEFLATE)
    refuse(fmt::format("is packed by method {}; stored and deflated ones are read", facts.comp_method));
  if (facts.comp_size > archive_size) refuse("would be larger than the file");
  member.index = index;
  member.packed = facts.comp_size;
  member.size = facts.size;
  member.crc = facts.crc;
  member.deflated = facts.comp_method == ZIP_CM_DEFLATE;
  if (!member.deflated && member.packed != member.size) refuse("is stored, with two different sizes");
  return member;
}

std::string packed_bytes(zip_t* archive, const Member& member, const std::string& who) {
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(
      zip_fopen_index(archive, member.index, ZIP_FL_COMPRESSED), zip_fclose);
  if (!file) throw ValueError(fmt::format("{}: {}", who, zip_strerror(archive)));
  std::string bytes(member.packed, '\0');
  if (zip_fread(file.get(), bytes.data(), bytes.size()) != static_cast<zip_int64_t>(bytes.size()))
    throw ValueError(who + ": its bytes are cut off");
  return bytes;
}

Tensor read_member(zip_t* archive, const Member& member, const std::string& file) {
  const std::string who = file_of("npz", file, member.name);
  const std::string stored = packed_bytes(archive, member, who);
  if (member.deflated) {
    const auto size_of = [&](std::string_view start) {
      if (member.size > kBelieved) parse_npy_header(start, member.size, who);
      return member.size;
    };
    return npy_array(unpack(stored, Packing::deflate, who, size_of, member.crc), who);
  }
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(stored.data()), stored.size());
  if (sum != member.crc) throw ValueError(who + ": its checksum is wrong, the file is damaged");
  return npy_array(stored, who);
}

}  // namespace

std::vector<NamedTensor> parse_npz(std::string_view bytes, const std::string& file,
                                   std::optional<std::string_view> only) {
  const std::string who = file_of("npz", file);
  if (bytes.empty()) throw ValueError(who + ": it is empty");
  const Archive archive = open_archive(bytes, ZIP_RDONLY | ZIP_CHECKCONS, who);
  const auto count = static_cast<zip_uint64_t>(zip_get_num_entries(archive.get(), 0));
  std::vector<Member> members;
  members.reserve(count);
  std::set<std::string> names;
  std::uint64_t packed = 0;
  for (zip_uint64_t i = 0; i < count; ++i) {
    members.push_back(member_at(archive.get(), i, bytes.size(), who));
    // Members that share bytes could unpack to more than a thousandfold.
    packed += members.back().packed;
    if (packed > bytes.size()) throw ValueError(who + ": its members overlap");
    if (!names.insert(members.back().name).second)
      throw ValueError(
          fmt::format("{}: the name '{}' is given twice", who, shorten(printable(members.back().name), 80)));
  }
  if (only && !names.contains(std::string(*only))) throw_no_array(who, *only, {names.begin(), names.end()});
  std::vector<NamedTensor> arrays;
  arrays.reserve(only ? 1 : members.size());
  for (const Member& member : members)
    if (!only || member.name == *only) arrays.push_back({member.name, read_member(archive.get(), member, file)});
  return arrays;
}

std::string npz_bytes(const std::vector<NamedTensor>& arrays) {
  const std::string who = "write_npz";
  std::vector<std::string> members;
  members.reserve(arrays.size());
  std::set<std::string> names;
  for (const NamedTensor& array : arrays) {
    if (!names.insert(array.name).second)
      throw ValueError(fmt::format("{}: the name '{}' is given twice", who, printable(array.name)));
    members.push_back(npy_bytes(array.tensor));
  }
  if (members.empty())
    return std::string("PK\5\6") + std::string(18, '\0');  // libzip writes no archive without members
  zip_source_t* written = nullptr;
  Archive archive = open_archive({}, ZIP_TRUNCATE, who, &written);
  const std::unique_ptr<zip_source_t, void (*)(zip_source_t*)> keep(written, zip_source_free);
  const auto fail = [&]() { throw EnvironmentError(fmt::format("{}: {}", who, zip_strerror(archive.get()))); };
  for (std::size_t i = 0; i < members.size(); ++i) {
    zip_source_t* from = zip_source_buffer(archive.get(), members[i].data(), members[i].size(), 0);
    const std::string name = arrays[i].name + ".npy";
    const zip_int64_t index = from ? zip_file_add(archive.get(), name.c_str(), from, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) {
      if (from) zip_source_free(from);
      fail();
    }
    // The same arrays give the same bytes: no compression that depends on a version, and the oldest date there is.
    const auto place = static_cast<zip_uint64_t>(index);
    constexpr zip_uint16_t kJanuary1980 = 1 << 5 | 1;
    if (zip_set_file_compression(archive.get(), place, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive.get(), place, 0, kJanuary1980, 0) != 0)
      fail();
  }
  if (zip_close(archive.get()) != 0) fail();
  static_cast<void>(archive.release());  // closed
  zip_stat_t facts;
  zip_stat_init(&facts);
  std::string bytes;
  if (zip_source_stat(written, &facts) == 0 && zip_source_open(written) == 0) {
    bytes.resize(facts.size);
    const zip_int64_t count = zip_source_read(written, bytes.data(), bytes.size());
    zip_source_close(written);
    if (count == static_cast<zip_int64_t>(bytes.size())) return bytes;
  }
  throw EnvironmentError(fmt::format("{}: {}", who, zip_error_strerror(zip_source_error(written))));
}

void write_npz(const std::string& path, const std::vector<NamedTensor>& arrays) { write_file(path, npz_bytes(arrays)); }

}  // namespace chainrule
