// The format: a safetensors file whose header begins with {"__metadata__":{"checkpoint":"...","checksum":"crc32:...".
// "checkpoint" is JSON; the checksum is that of the whole file with zeros in the place of its eight digits.
#include "nn/files/checkpoint.h"

#include <fmt/format.h>
#include <zlib.h>

#include <new>
#include <utility>

#include "engine/files/array_files.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/system/version.h"
#include "engine/types/error.h"
#include "nn/files/json_text.h"

namespace chainrule {
namespace {

constexpr std::string_view kStart = R"({"__metadata__":{"checkpoint":)";
constexpr std::string_view kChecksum = R"("checksum":"crc32:)";
constexpr std::string_view kNoDigits = "00000000";
constexpr std::size_t kLengthBytes = 8;  // in front of the header
constexpr std::string_view kOptimizer = "optimizer/", kAverage = "average/";

using internal::JsonTree;

uLong crc_of(uLong so_far, std::string_view bytes) {
  return crc32_z(so_far, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
}

/// Where the eight digits stand. A raw quote is never inside a text of JSON, so the first place is the right one.
std::size_t place_of_digits(std::string_view bytes) {
  const std::size_t at = bytes.find(kChecksum);
  if (at == std::string_view::npos || at + kChecksum.size() + kNoDigits.size() > bytes.size()) return 0;
  return at + kChecksum.size();
}

std::string checksum(std::string_view bytes, std::size_t digits) {
  uLong crc = crc_of(0, bytes.substr(0, digits));
  crc = crc_of(crc, kNoDigits);
  return fmt::format("{:08x}", crc_of(crc, bytes.substr(digits + kNoDigits.size())));
}

std::string facts_of(const Checkpoint& c) {
  internal::JsonObject generators, metrics, texts;
  for (const auto& [name, s] : c.generators)
    generators.add(name, internal::JsonObject()
                             .add("seed", std::to_string(s.seed))
                             .add("stream", std::to_string(s.stream))
                             .add("drawn", std::to_string(s.drawn))
                             .text());
  for (const auto& [name, value] : c.metrics) metrics.add(name, internal::json_text(format_exact(value)));
  for (const auto& [name, text] : c.texts) texts.add(name, internal::json_text(text));
  return internal::JsonObject()
      .add("version", kCheckpointVersion)
      .add("library", internal::json_text(kLibraryVersion))
      .add("epoch", c.epoch)
      .add("batch", c.batch)
      .add("step", c.step)
      .add("generators", generators.text())
      .add("metrics", metrics.text())
      .add("texts", texts.text())
      .text();
}

/// A count that fits into 63 bits.
std::int64_t position_of(const JsonTree& facts, const char* name) {
  const std::uint64_t value = facts.at(name).expect_count(name);
  if (value >> 63 != 0) throw ValueError(fmt::format("'{}' is not a count", name));
  return static_cast<std::int64_t>(value);
}

void read_facts(Checkpoint& c, const JsonTree& facts) {
  c.library = facts.at("library").expect_text("library");
  c.epoch = position_of(facts, "epoch");
  c.batch = position_of(facts, "batch");
  c.step = position_of(facts, "step");
  for (const auto& [name, s] : facts.at("generators").expect(JsonTree::Kind::object, "generators"))
    c.generators[name] = {s.at("seed").expect_count("seed"), s.at("stream").expect_count("stream"),
                          s.at("drawn").expect_count("drawn")};
  for (const auto& [name, value] : facts.at("metrics").expect(JsonTree::Kind::object, "metrics")) {
    const std::string& text = value.expect_text(name);
    const LeadingNumber number = leading_number(text);
    if (text.empty() || number.length != text.size() || number.out_of_range)
      throw ValueError(fmt::format("'{}' is not a number", printable(name)));
    c.metrics[name] = number.value;
  }
  for (const auto& [name, text] : facts.at("texts").expect(JsonTree::Kind::object, "texts"))
    c.texts[name] = text.expect_text(name);
}

/// Puts each tensor where its name says.
void share_out(Checkpoint& c, std::vector<NamedTensor>&& tensors) {
  for (auto& [name, tensor] : tensors) {
    if (name.starts_with(kOptimizer))
      c.optimizer.push_back({name.substr(kOptimizer.size()), std::move(tensor)});
    else if (name.starts_with(kAverage))
      c.averages.push_back({name.substr(kAverage.size()), std::move(tensor)});
    else
      c.weights.push_back({std::move(name), std::move(tensor)});
  }
}

}  // namespace

std::string checkpoint_bytes(const Checkpoint& c) {
  std::vector<NamedTensor> tensors = c.weights;
  for (const NamedTensor& one : c.weights)
    if (one.name.starts_with(kOptimizer) || one.name.starts_with(kAverage))
      throw ValueError(fmt::format("save_checkpoint: the name '{}' would not be read back as that of a weight",
                                   printable(one.name)));
  for (const NamedTensor& one : c.optimizer) tensors.push_back({std::string(kOptimizer) + one.name, one.tensor});
  for (const NamedTensor& one : c.averages) tensors.push_back({std::string(kAverage) + one.name, one.tensor});
  std::string facts;
  try {
    facts = facts_of(c);
  } catch (const ValueError&) {
    throw ValueError("save_checkpoint: a name or a text is not UTF-8");
  }
  std::string bytes = safetensors_bytes(
      tensors, {{"checkpoint", facts}, {"checksum", "crc32:" + std::string(kNoDigits)}, {"format", "pt"}});
  const std::size_t digits = place_of_digits(bytes);
  bytes.replace(digits, kNoDigits.size(), checksum(bytes, digits));
  return bytes;
}

bool is_checkpoint(std::string_view bytes) {
  return bytes.size() > kLengthBytes && bytes.substr(kLengthBytes).starts_with(kStart);
}

Checkpoint parse_checkpoint(std::string_view bytes, const std::string& file) {
  const std::string who = fmt::format("checkpoint '{}'", shorten(printable(file), 200));
  if (bytes.empty()) throw ValueError(who + ": it is empty");
  const std::size_t digits = place_of_digits(bytes);
  if (!is_checkpoint(bytes) || digits == 0)
    throw ValueError(who + ": it is no checkpoint, or its beginning is damaged");
  if (const std::string sum = checksum(bytes, digits); bytes.substr(digits, sum.size()) != sum)
    throw ValueError(fmt::format("{}: its checksum is {}, not {}; the file is damaged or cut off", who, sum,
                                 printable(bytes.substr(digits, sum.size()))));
  SafetensorsFile parts = parse_safetensors_file(bytes, file);
  Checkpoint c;
  std::uint64_t version = 0;
  std::string library = "?";
  try {
    const JsonTree facts = internal::parse_json(parts.metadata.at("checkpoint"));
    version = facts.at("version").expect_count("version");
    if (version == kCheckpointVersion)
      read_facts(c, facts);
    else if (const JsonTree* writer = facts.find("library"))
      library = writer->text;
  } catch (const ValueError& error) {
    throw ValueError(fmt::format("{}: its facts are not as they should be: {}", who, error.what()));
  }
  if (version != kCheckpointVersion)
    throw ValueError(fmt::format("{}: it has format {}, written by chainrule {}; this library, {}, reads up to {}", who,
                                 version, shorten(printable(library), 40), kLibraryVersion, kCheckpointVersion));
  share_out(c, std::move(parts.tensors));
  return c;
}

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint) try {
  write_file(path, checkpoint_bytes(checkpoint));
  remove_abandoned(path);
} catch (const std::bad_alloc&) {
  throw EnvironmentError("save_checkpoint: out of memory; the file is as it was");
}

Checkpoint load_checkpoint(const std::string& path) try {
  return parse_checkpoint(read_file(path, "load_checkpoint"), path);
} catch (const std::bad_alloc&) {
  throw EnvironmentError("load_checkpoint: out of memory");
}

}  // namespace chainrule
