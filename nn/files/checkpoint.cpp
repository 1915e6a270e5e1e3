// The format: a safetensors file whose header begins with {"__metadata__":{"checkpoint":"...","checksum":"crc32:...".
// "checkpoint" is JSON; the checksum is that of the whole file with zeros in the place of its eight digits.
#include "nn/files/checkpoint.h"

#include <fmt/format.h>
#include <zlib.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/files/array_files.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/system/version.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr std::string_view kStart = R"({"__metadata__":{"checkpoint":)";
constexpr std::string_view kChecksum = R"("checksum":"crc32:)";
constexpr std::string_view kNoDigits = "00000000";
constexpr std::size_t kLengthBytes = 8;  // in front of the header
constexpr std::string_view kOptimizer = "optimizer/", kAverage = "average/";

using Json = nlohmann::ordered_json;

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

Json facts_of(const Checkpoint& c) {
  Json generators = Json::object(), metrics = Json::object(), texts = Json::object();
  for (const auto& [name, s] : c.generators)
    generators[name] = {{"seed", s.seed}, {"stream", s.stream}, {"drawn", s.drawn}};
  for (const auto& [name, value] : c.metrics) metrics[name] = format_exact(value);  // JSON has no word for nan
  for (const auto& [name, text] : c.texts) texts[name] = text;
  return {{"version", kCheckpointVersion},
          {"library", kLibraryVersion},
          {"epoch", c.epoch},
          {"batch", c.batch},
          {"step", c.step},
          {"generators", generators},
          {"metrics", metrics},
          {"texts", texts}};
}

void read_facts(Checkpoint& c, const Json& facts) {
  c.library = facts.at("library").get<std::string>();
  c.epoch = facts.at("epoch").get<std::int64_t>();
  c.batch = facts.at("batch").get<std::int64_t>();
  c.step = facts.at("step").get<std::int64_t>();
  for (const auto& [name, s] : facts.at("generators").items())
    c.generators[name] = {s.at("seed").get<std::uint64_t>(), s.at("stream").get<std::uint64_t>(),
                          s.at("drawn").get<std::uint64_t>()};
  for (const auto& [name, value] : facts.at("metrics").items())
    c.metrics[name] = leading_number(value.get<std::string>()).value;
  for (const auto& [name, text] : facts.at("texts").items()) c.texts[name] = text.get<std::string>();
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
    facts = facts_of(c).dump();
  } catch (const nlohmann::json::exception&) {
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
  try {
    const Json facts = Json::parse(parts.metadata.at("checkpoint"));
    const auto version = facts.at("version").get<std::int64_t>();
    if (version < 1 || version > kCheckpointVersion)
      throw ValueError(fmt::format("{}: it has format {}, written by chainrule {}; this library, {}, reads up to {}",
                                   who, version, printable(facts.value("library", std::string("?"))), kLibraryVersion,
                                   kCheckpointVersion));
    read_facts(c, facts);
  } catch (const nlohmann::json::exception& error) {
    throw ValueError(fmt::format("{}: its facts are not as they should be: {}", who, printable(error.what())));
  }
  share_out(c, std::move(parts.tensors));
  return c;
}

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  write_file(path, checkpoint_bytes(checkpoint));
  remove_abandoned(path);
}

Checkpoint load_checkpoint(const std::string& path) {
  return parse_checkpoint(read_file(path, "load_checkpoint"), path);
}

}  // namespace chainrule
