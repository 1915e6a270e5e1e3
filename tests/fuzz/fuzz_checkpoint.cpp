// libFuzzer: any bytes as checkpoints, as they are and with the checksum put right, since no input would get past it.
// What can be read is written and read again, and given to a training, which takes all of it or nothing. Not a test of
// values; those are in tests/nn/files and tests/optim/trainer.
#include <cstdlib>
#include <string>

#include "engine/files/array_files.h"
#include "nn/files/checkpoint.h"
#include "nn/files/state.h"
#include "nn/layers.h"
#include "optim/adam.h"
#include "optim/trainer/trainer.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace chainrule;

void expect(bool good) {
  if (!good) std::abort();
}

/// CRC-32 bit by bit, as RFC 1952 has it.
std::uint32_t crc32_of(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

std::string with_checksum(std::string bytes) {
  const std::string before = "\"checksum\":\"crc32:";
  const std::size_t at = bytes.find(before);
  if (at == std::string::npos || at + before.size() + 8 > bytes.size()) return bytes;
  bytes.replace(at + before.size(), 8, "00000000");
  bytes.replace(at + before.size(), 8, fmt::format("{:08x}", crc32_of(bytes)));
  return bytes;
}

std::string bits_of(const Checkpoint& c) {  // without the history's text, which a training writes in its own way
  return checkpoint_bytes({.weights = c.weights, .optimizer = c.optimizer, .epoch = c.epoch, .step = c.step});
}

/// A training of one layer with batch norm takes it all or stays as it is.
void give_to_training(const Checkpoint& c) {
  Sequential net{Linear(2, 2), BatchNorm1d(2)};
  Adam optimizer{net.parameters()};
  Trainer trainer{net, optimizer, mse_loss, {.patience = 3, .progress = ProgressMode::none, .interrupts = false}};
  const std::string before = bits_of(trainer.checkpoint());
  try {
    trainer.resume(c);
  } catch (const Error&) {
    expect(bits_of(trainer.checkpoint()) == before);
    return;
  }
  expect(trainer.training().epoch == c.epoch && trainer.training().batch == c.batch);
}

void read_whole(std::string_view bytes) {
  const Checkpoint c = parse_checkpoint(bytes, "fuzz.safetensors");
  const std::string written = checkpoint_bytes(c);
  expect(checkpoint_bytes(parse_checkpoint(written, "written.safetensors")) == written);
  give_to_training(c);
}

/// The same weights as a state without the rest.
void fill(std::string_view bytes) {
  Sequential net{Linear(2, 2), BatchNorm1d(2)};
  load_state(net, parse_safetensors(bytes, "fuzz.safetensors"), {.strict = false});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chainrule::testing::expect_value_or_error(data, size, read_whole);
  chainrule::testing::expect_value_or_error(
      data, size, [](std::string_view bytes) { read_whole(with_checksum(std::string(bytes))); });
  return chainrule::testing::expect_value_or_error(data, size, fill);
}
