// The files are listed once; what a listing gives depends on the file system, so it is sorted.
#include "nn/data/picture_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "nn/data/picture.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

std::string shown_path(const std::filesystem::path& path) {
  return fmt::format("'{}'", shorten(printable(path.string()), 200));
}

bool names_picture(const std::filesystem::path& path) {
  std::string ending = path.extension().string();
  for (char& c : ending)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

/// What a folder holds, sorted by name, without what begins with a point.
std::vector<std::filesystem::path> entries_of(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (!at->path().filename().string().starts_with('.')) found.push_back(at->path());
  if (error) throw ValueError(fmt::format("PictureFolder: cannot list {}: {}", shown_path(folder), error.message()));
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.filename().string() < b.filename().string(); });
  return found;
}

Tensor resized(const Tensor& picture, std::int64_t height, std::int64_t width) {
  if (picture.size(1) == height && picture.size(2) == width) return picture;
  const bool smaller = height <= picture.size(1) && width <= picture.size(2);
  const Tensor batch = reshape(picture, {1, picture.size(0), picture.size(1), picture.size(2)});
  return interpolate(
      batch, {.size = Size2(height, width), .mode = smaller ? Interpolation::area : Interpolation::bilinear})[0];
}

}  // namespace

Tensor read_picture(const std::string& path, std::int64_t channels) {
  return parse_picture(read_file(path, "picture"), path, channels);
}

PictureFolder::PictureFolder(const std::string& folder, PictureFolderOptions options) : options_(options) {
  if (options.channels != 1 && options.channels != 3)
    throw ValueError(fmt::format("PictureFolder: channels is {}, it must be 1, grey, or 3", options.channels));
  if (options.height < 0 || options.width < 0 || (options.height == 0) != (options.width == 0) ||
      options.height > 16384 || options.width > 16384)
    throw ValueError(fmt::format("PictureFolder: height {} and width {} must be 1 to 16384 both, or 0 both",
                                 options.height, options.width));
  std::error_code unknown;
  if (!std::filesystem::is_directory(folder, unknown))
    throw ValueError(fmt::format("PictureFolder: there is no folder {}", shown_path(folder)));
  for (const std::filesystem::path& entry : entries_of(folder)) {
    if (!std::filesystem::is_directory(entry, unknown)) {
      if (names_picture(entry))
        throw ValueError(fmt::format("PictureFolder: {} lies beside the folders of the classes", shown_path(entry)));
      continue;
    }
    const std::size_t before = files_.size();
    for (const std::filesystem::path& file : entries_of(entry)) {
      if (!names_picture(file)) continue;
      files_.push_back(file.string());
      labels_.push_back(static_cast<std::int64_t>(classes_.size()));
    }
    if (files_.size() == before)
      throw ValueError(fmt::format("PictureFolder: there is no .png, .jpg or .jpeg file in {}", shown_path(entry)));
    classes_.push_back(entry.filename().string());
  }
  if (classes_.empty())
    throw ValueError(fmt::format("PictureFolder: there is no folder in {}; each class has one", shown_path(folder)));
  if (options_.height > 0) return;
  const Tensor first = read_picture(files_[0], options_.channels);
  options_.height = first.size(1);
  options_.width = first.size(2);
  wanted_by_first_ = true;
}

Batch PictureFolder::get(const Indices& indices) const {
  const NoGrad data;
  const auto n = static_cast<std::int64_t>(indices.size());
  Tensor pictures = empty({n, options_.channels, options_.height, options_.width}, DType::float32);
  auto* out = static_cast<float*>(pictures.mutable_data("PictureFolder"));
  Indices labels;
  for (const std::int64_t index : indices) {
    const std::string& file = files_.at(static_cast<std::size_t>(index));
    Tensor picture = read_picture(file, options_.channels);
    if (wanted_by_first_ && (picture.size(1) != options_.height || picture.size(2) != options_.width))
      throw ShapeError(
          fmt::format("PictureFolder: {} has {} x {} pixels, the first picture {} x {}; give height and width",
                      shown_path(file), picture.size(1), picture.size(2), options_.height, options_.width));
    picture = dense(resized(picture, options_.height, options_.width));
    std::memcpy(out, picture.data(), static_cast<std::size_t>(picture.numel()) * sizeof(float));
    out += picture.numel();
    labels.push_back(labels_[static_cast<std::size_t>(index)]);
  }
  return {pictures, from_vector(labels, {n})};
}

Tensor PictureFolder::targets() const { return from_vector(labels_, {size()}); }

}  // namespace chainrule
