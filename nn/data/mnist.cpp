// Where the files are, and whether they are what they should be.
#include "nn/data/mnist.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "nn/data/idx.h"

namespace chainrule {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPictureSide = 28, kDigits = 10;
constexpr const char* kHint = "give the folder of its files in the call or in the environment variable CHAINRULE_DATA";

std::string in_quotes(const std::string& path) { return fmt::format("'{}'", shorten(printable(path), 200)); }

std::string stem_of(MnistPart part, bool images) {
  return fmt::format("{}-{}", part == MnistPart::train ? "train" : "t10k", images ? "images" : "labels");
}

/// Where one of the four files is; nothing when it is in neither place.
std::optional<std::string> find_file(const std::string& folder, MnistPart part, bool images) {
  const std::string kind = images ? "idx3-ubyte" : "idx1-ubyte";
  for (const fs::path& place : {fs::path(folder), fs::path(folder) / "mnist"}) {
    for (const char* joint : {"-", "."}) {
      for (const char* ending : {"", ".gz"}) {
        const fs::path path = place / (stem_of(part, images) + joint + kind + ending);
        std::error_code unknown;  // what cannot be looked at is found: opening it says why
        if (fs::exists(path, unknown) || unknown) return path.string();
      }
    }
  }
  return {};
}

std::string folder_of_files(const std::string& given) {
  const char* set = std::getenv("CHAINRULE_DATA");
  std::string folder = given.empty() && set ? set : given;
  if (folder.empty()) throw ValueError(fmt::format("mnist: it is not known where its files are; {}", kHint));
  std::error_code unknown;
  if (!fs::exists(folder, unknown) && !unknown)
    throw ValueError(fmt::format("mnist: there is no folder {}; {}", in_quotes(folder), kHint));
  return folder;
}

/// A part's images and labels are as many, where both are there.
void check_counts(const std::string& folder, MnistPart part) {
  const auto images = find_file(folder, part, true), labels = find_file(folder, part, false);
  if (!images || !labels) return;
  const auto count = [](const std::string& path) { return parse_idx_header(read_file(path, "mnist"), path).shape[0]; };
  const std::int64_t pictures = count(*images), classes = count(*labels);
  if (pictures != classes)
    throw ValueError(fmt::format("mnist: {} holds {} pictures, {} holds {} labels; they must be as many",
                                 in_quotes(*images), pictures, in_quotes(*labels), classes));
}

IdxArray read_part(const std::string& given, MnistPart part, bool images) {
  const std::string folder = folder_of_files(given);
  const auto path = find_file(folder, part, images);
  if (!path) {
    const std::string stem = stem_of(part, images), kind = images ? "idx3-ubyte" : "idx1-ubyte";
    throw ValueError(
        fmt::format("mnist: there is no {0}-{1}.gz in {2} or its folder mnist, nor {0}-{1}, {0}.{1}.gz or "
                    "{0}.{1}; {3}",
                    stem, kind, in_quotes(folder), kHint));
  }
  check_counts(folder, part);
  IdxArray array = read_idx(*path);
  const Shape& shape = array.shape;
  const bool good =
      images ? shape.rank() == 3 && shape[1] == kPictureSide && shape[2] == kPictureSide : shape.rank() == 1;
  if (array.type != IdxType::u8 || !good)
    throw ValueError(fmt::format("mnist: {} holds {} of shape {}; expected are {}, such as {}", in_quotes(*path),
                                 array.type == IdxType::u8 ? "bytes" : "other numbers than bytes", to_string(shape),
                                 images ? "pictures of 28 x 28 bytes" : "labels of one byte",
                                 images ? "(10000, 28, 28)" : "(10000,)"));
  if (images) return array;
  for (std::size_t i = 0; i < array.bytes.size(); ++i)
    if (const auto label = static_cast<unsigned char>(array.bytes[i]); label >= kDigits)
      throw ValueError(fmt::format("mnist: {}: label {} is {}, the classes are 0 to 9", in_quotes(*path), i,
                                   static_cast<int>(label)));
  return array;
}

}  // namespace

Tensor mnist_images(MnistPart part, const std::string& folder) {
  const IdxArray array = read_part(folder, part, true);
  std::array<float, 256> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 255.0F;
  Tensor images = empty({array.shape[0], 1, kPictureSide, kPictureSide}, DType::float32);
  float* out = static_cast<float*>(images.mutable_data("mnist_images"));
  for (std::size_t i = 0; i < array.bytes.size(); ++i) out[i] = values[static_cast<unsigned char>(array.bytes[i])];
  return images;
}

Tensor mnist_labels(MnistPart part, const std::string& folder) { return idx_tensor(read_part(folder, part, false)); }

}  // namespace chainrule
