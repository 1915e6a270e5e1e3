// What a network learned and where it errs, as pictures (engine/pictures): write_heat_map, write_picture_sheet and
// write_histograms put them into files.
#pragma once

#include <string>
#include <vector>

#include "engine/pictures/heat_map.h"
#include "engine/pictures/histogram.h"
#include "engine/pictures/sheet.h"
#include "nn/data/dataset.h"
#include "nn/module.h"
#include "optim/trainer/metrics.h"

namespace chainrule {

/// A confusion matrix as a table: rows are the truth, columns the answers. Names default to the classes' numbers; where
/// there were samples without an answer, a last column counts them. Throws ValueError for another number of names.
HeatMap confusion_map(const ConfusionMatrix& confusion, std::vector<std::string> classes = {},
                      const std::string& title = "confusion");

/// The filters of a convolution, weight (out, in, height, width): a picture for each pair, from its least number
/// (paper) to its greatest (ink), at most `most` of them. Throws ShapeError for another shape.
std::vector<Picture> filter_pictures(const Tensor& weight, std::size_t most = 128);

/// Samples (1, height, width) that the network answers wrongly, in the order of the data set: "5, read as 3", with the
/// probability that it gave its answer. Throws ShapeError for samples of another shape.
std::vector<Picture> wrong_pictures(Module& net, const AnyDataset& data, std::size_t most = 40);

/// The values of each parameter, as they are now.
std::vector<Histogram> parameter_histograms(const ModuleBase& net);
/// What each module gives for the input, its last operation: the picture of the book on initial weights.
std::vector<Histogram> activation_histograms(Module& net, const Tensor& input);

}  // namespace chainrule
