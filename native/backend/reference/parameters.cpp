#include "backend/reference/parameters.h"

#include <algorithm>
#include <cmath>

namespace thaw::reference {

Parameters::Parameters(const CheckedGraph& graph) {
  for (const Parameter& parameter : graph.graph.parameters) values_.emplace_back(parameter.size(), 0.0);
  gradients_ = first_ = second_ = values_;
  averages_.resize(values_.size());
}

void Parameters::write(std::size_t parameter, std::span<const float> values) {
  std::copy(values.begin(), values.end(), values_[parameter].begin());
  if (hasAverage(parameter)) averages_[parameter] = values_[parameter];
}

void Parameters::read(std::size_t parameter, std::span<float> values) const {
  std::copy(values_[parameter].begin(), values_[parameter].end(), values.begin());
}

void Parameters::readGradient(std::size_t parameter, std::span<float> values) const {
  std::copy(gradients_[parameter].begin(), gradients_[parameter].end(), values.begin());
}

void Parameters::readMoment(std::size_t parameter, bool second, std::span<float> values) const {
  const std::vector<double>& moment = (second ? second_ : first_)[parameter];
  std::copy(moment.begin(), moment.end(), values.begin());
}

void Parameters::writeMoment(std::size_t parameter, bool second, std::span<const float> values) {
  std::copy(values.begin(), values.end(), (second ? second_ : first_)[parameter].begin());
}

double Parameters::gradientNormSquared(std::span<const std::size_t> parameters) const {
  double sum = 0;
  for (const std::size_t parameter : parameters)
    for (const double gradient : gradients_[parameter]) sum += gradient * gradient;
  return sum;
}

double Parameters::valueNormSquared(std::span<const std::size_t> parameters) const {
  double sum = 0;
  for (const std::size_t parameter : parameters)
    for (const double value : values_[parameter]) sum += value * value;
  return sum;
}

/** Formulas and their sources in engine/optimizer.h. */
void Parameters::update(std::span<const ParameterUpdate> updates, float gradientScale) {
  for (const auto& [parameter, constants] : updates) {
    const double rate = static_cast<double>(constants.rate),
                 momentum = static_cast<double>(constants.momentum);
    const double coupled = static_cast<double>(constants.coupled), keep = static_cast<double>(constants.keep);
    const double epsilon = static_cast<double>(constants.epsilon);
    for (std::size_t index = 0; index < size(parameter); index++) {
      double& w = values_[parameter][index];
      double& m = first_[parameter][index];
      double& v = second_[parameter][index];
      const double g = static_cast<double>(gradientScale) * gradients_[parameter][index] + coupled * w;
      switch (constants.rule) {
        case UpdateRule::sgd:
          m = momentum * m + g;
          w -= rate * m;
          break;
        case UpdateRule::nesterov:
          m = momentum * m + g;
          w -= rate * (g + momentum * m);
          break;
        case UpdateRule::adam:
          m += static_cast<double>(constants.first) * (g - m);
          v += static_cast<double>(constants.second) * (g * g - v);
          w = keep * w - rate * m / (std::sqrt(v) + epsilon);
          break;
      }
    }
  }
}

void Parameters::startAverage(std::size_t parameter) {
  if (!hasAverage(parameter)) averages_[parameter] = values_[parameter];
}

void Parameters::average(double share) {
  for (std::size_t parameter = 0; parameter < averages_.size(); parameter++)
    for (std::size_t index = 0; index < averages_[parameter].size(); index++)
      averages_[parameter][index] += share * (values_[parameter][index] - averages_[parameter][index]);
}

void Parameters::readAverage(std::size_t parameter, std::span<float> values) const {
  const std::vector<double>& source = (hasAverage(parameter) ? averages_ : values_)[parameter];
  std::copy(source.begin(), source.end(), values.begin());
}

void Parameters::writeAverage(std::size_t parameter, std::span<const float> values) {
  averages_[parameter].assign(values.begin(), values.end());
}

void Parameters::dropAverages() {
  for (std::vector<double>& average : averages_) average.clear();
}

std::size_t Parameters::bytes() const {
  std::size_t numbers = 0;
  for (const std::vector<double>& values : values_) numbers += 4 * values.size();
  for (const std::vector<double>& averages : averages_) numbers += averages.size();
  return numbers * sizeof(double);
}

}  // namespace thaw::reference
