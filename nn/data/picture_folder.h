// Pictures in folders, one folder for each class: PNG files, and JPEG files where the library was built with JPEG.
#pragma once

#include <string>
#include <vector>

#include "nn/data/dataset.h"

namespace chainrule {

/// One picture (channels, H, W), float32 from 0 to 1; channels is 3, or 1 for grey (0.299 red + 0.587 green + 0.114
/// blue). Transparent pixels lie on white. Sides are at most 16,384, and pixels 2^26. Throws ValueError for what is no
/// sound picture, EnvironmentError for a JPEG file in a build without it.
Tensor read_picture(const std::string& path, std::int64_t channels = 3);

struct PictureFolderOptions {
  std::int64_t channels = 3;  ///< 1 or 3
  /// All pictures are brought to this size: smaller ones by the mean of what a pixel covers, others bilinear. 0 for
  /// both: they must have one size already.
  std::int64_t height = 0, width = 0;
};

/// Files are read when their samples are asked for; cached() keeps them. Class 0 is the first folder in the order of
/// their names, and files are in that order, too: `pictures/cat/1.png`, `pictures/cat/2.png`, `pictures/dog/1.jpg`.
/// Files with other endings than .png, .jpg and .jpeg are passed over, and what begins with a point.
class PictureFolder : public Dataset {
 public:
  /// Throws ValueError for a folder that is missing or without class folders, for a class without a picture and for
  /// pictures beside the class folders.
  explicit PictureFolder(const std::string& folder, PictureFolderOptions options = {});
  std::int64_t size() const override { return static_cast<std::int64_t>(files_.size()); }
  /// inputs (N, channels, H, W), targets (N) int64. Throws ShapeError for a picture of another size than the first.
  Batch get(const Indices& indices) const override;
  Tensor targets() const override;
  const std::vector<std::string>& classes() const { return classes_; }
  const std::vector<std::string>& files() const { return files_; }

 private:
  PictureFolderOptions options_;
  std::vector<std::string> classes_, files_;
  std::vector<std::int64_t> labels_;
  bool wanted_by_first_ = false;  // the size is that of the first picture
};

}  // namespace chainrule
