// The picture of the README: one digit under each transform, three epochs of each. CHAINRULE_RENEW_GOLDEN=1 writes it.
#include <doctest/doctest.h>

#include <cstdlib>

#include "engine/pictures/sheet.h"
#include "nn/data/augment.h"
#include "nn/data/image_set.h"
#include "nn/data/picture_folder.h"

using namespace chainrule;

TEST_CASE("augment: the sheet of the README shows what the transforms do") {
  const std::string path = CHAINRULE_SOURCE_DIR "/nn/data/augment.png";
  const ImageSet digits = load_digits().train;
  const std::vector<Transform> shown{Transform(),
                                     random_shift(2),
                                     random_rotate(30),
                                     random_zoom(0.4),
                                     random_crop(8, 8, {.padding = 2}),
                                     random_flip(),
                                     cut_out(4),
                                     gaussian_noise(0.2),
                                     colour_jitter({.brightness = 0.6, .contrast = 0.6})};
  std::vector<Picture> pictures;
  for (const Transform& transform : shown)
    for (std::int64_t epoch = 0; epoch < (transform.empty() ? 1 : 3); ++epoch) {
      const Indices one{700};
      const Tensor picture =
          transform({take_rows(digits.images, one), {}}, {.seed = 3, .epoch = epoch, .indices = one}).inputs;
      const std::string name = to_string(transform);
      pictures.push_back(
          {picture.values<float>(), 8, 8, {name.substr(0, name.find('(')), "epoch " + std::to_string(epoch)}});
    }
  const Canvas sheet = draw_picture_sheet(pictures, "one digit under each transform");
  if (std::getenv("CHAINRULE_RENEW_GOLDEN")) write_png(path, sheet);
  const Tensor committed = read_picture(path);
  REQUIRE(committed.shape() == Shape{3, sheet.height(), sheet.width()});
  // Another library's sine may round a pixel differently, so one level either way is the same picture.
  const float* level = committed.data<float>();
  const std::int64_t plane = committed.size(1) * committed.size(2);
  int different = 0;
  for (int y = 0; y < sheet.height(); ++y)
    for (int x = 0; x < sheet.width(); ++x) {
      const Color c = sheet.at(x, y);
      const std::int64_t at = std::int64_t{y} * sheet.width() + x;
      const auto far = [&](std::int64_t channel, int drawn) {
        return std::abs(level[channel * plane + at] * 255 - static_cast<float>(drawn)) > 1.5F;
      };
      different += far(0, c.red) || far(1, c.green) || far(2, c.blue);
    }
  CHECK(different == 0);
}
