// The pictures of a training in its run folder, drawn anew after every epoch.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "optim/trainer/events.h"

namespace chainrule {

/// In the folder, each where it applies:
///   learning_rate.svg  the rate of each step
///   histograms.svg     the values of each parameter; of a network with more than 24, the first 24
///   activations.svg    what each module gives for the first test samples, as many modules
///   confusion.svg      truth against answer over the test set: for outputs (samples, classes) and targets that are
///                      classes
///   mistakes.png       test samples of the form (1, height, width) that are read wrongly
///   filters.png        the filters of the first convolution
/// Without a test set, those of the training. They show the network as it is trained, not averages. The same training
/// gives the same bytes, also one that was resumed.
class DrawPictures : public Handler {
 public:
  explicit DrawPictures(std::string folder) : folder_(std::move(folder)) {}
  void before_training(Training& t) override;
  void after_step(Training& t) override;
  void after_epoch(Training& t) override;

 private:
  std::string file(const char* name) const { return folder_ + "/" + name; }
  void draw_rates() const;
  void draw_answers(Training& t) const;
  std::string folder_;
  std::vector<double> steps_, rates_;  // only where the rate bends
};

}  // namespace chainrule
