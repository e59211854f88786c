#include "backend/cpu/parameters.h"

#include <algorithm>

namespace thaw::cpu {

RowsCodec::RowsCodec(std::size_t outer, std::size_t rows, const Place& place)
    : outer_(outer), rows_(rows), columns_(place.view.channels), place_(place) {}

void RowsCodec::pack(std::span<const float> values, float* memory) const {
  std::fill_n(memory, size(), 0.0f);
  for (std::size_t row = 0; row < outer_; row++)
    for (std::size_t channel = 0; channel < place_.channels; channel++)
      memory[row * columns_ + place_.at(channel)] = values[row * place_.channels + channel];
}

void RowsCodec::unpack(const float* memory, std::span<float> values) const {
  for (std::size_t row = 0; row < outer_; row++)
    for (std::size_t channel = 0; channel < place_.channels; channel++)
      values[row * place_.channels + channel] = memory[row * columns_ + place_.at(channel)];
}

CpuParameters::CpuParameters(const CheckedGraph& graph, Device& device,
                             std::vector<std::unique_ptr<ParameterCodec>> codecs)
    : device_(device), codecs_(std::move(codecs)), versions_(graph.graph.parameters.size(), 1) {
  for (const auto& codec : codecs_) {
    offsets_.push_back(total_);
    total_ += codec == nullptr ? 0 : (codec->size() + lanes - 1) / lanes * lanes;
  }
  values_ = AlignedBuffer<float>(total_);
}

void CpuParameters::write(std::size_t parameter, std::span<const float> values) {
  if (codecs_[parameter] == nullptr) return;
  codecs_[parameter]->pack(values, this->values(parameter));
  touch(parameter);
}

void CpuParameters::read(std::size_t parameter, std::span<float> values) const {
  if (codecs_[parameter] != nullptr) codecs_[parameter]->unpack(values_.data() + offsets_[parameter], values);
}

void CpuParameters::readGradient(std::size_t parameter, std::span<float> values) const {
  if (codecs_[parameter] == nullptr) return;
  if (gradients_.size() == 0)
    std::fill(values.begin(), values.end(), 0.0f);
  else
    codecs_[parameter]->unpack(gradients_.data() + offsets_[parameter], values);
}

void CpuParameters::ensure(AlignedBuffer<float>& buffer) const {
  if (buffer.size() == 0) buffer = AlignedBuffer<float>(total_);
}

float* CpuParameters::moment(std::size_t parameter, bool second) const {
  AlignedBuffer<float>& buffer = second ? second_ : first_;
  ensure(buffer);
  return buffer.data() + offsets_[parameter];
}

void CpuParameters::readMoment(std::size_t parameter, bool second, std::span<float> values) const {
  std::fill(values.begin(), values.end(), 0.0f);
  if (codecs_[parameter] != nullptr && (second ? second_ : first_).size() != 0)
    codecs_[parameter]->unpack(moment(parameter, second), values);
}

void CpuParameters::writeMoment(std::size_t parameter, bool second, std::span<const float> values) {
  const bool zero = std::all_of(values.begin(), values.end(), [](float value) { return value == 0; });
  if (codecs_[parameter] == nullptr || (zero && (second ? second_ : first_).size() == 0)) return;
  codecs_[parameter]->pack(values, moment(parameter, second));
}

double CpuParameters::gradientNormSquared(std::span<const std::size_t> parameters) const {
  return normSquared(gradients_, parameters);
}

double CpuParameters::valueNormSquared(std::span<const std::size_t> parameters) const {
  return normSquared(values_, parameters);
}

/** Padding holds zeros and adds nothing. */
double CpuParameters::normSquared(const AlignedBuffer<float>& buffer,
                                  std::span<const std::size_t> parameters) const {
  double total = 0;
  if (buffer.size() == 0) return total;
  for (const std::size_t parameter : parameters) {
    std::vector<double> sums(device_.threads, 0.0);
    const float* numbers = buffer.data() + offsets_[parameter];
    parallel(device_.threads, codecs_[parameter]->size(),
             [&](std::size_t begin, std::size_t end, std::size_t thread) {
               double sum = 0;
               for (std::size_t i = begin; i < end; i++) sum += static_cast<double>(numbers[i]) * numbers[i];
               sums[thread] = sum;
             });
    for (const double sum : sums) total += sum;
  }
  return total;
}

/** Parameters are cut into pieces, so that a large one does not keep one thread while the others wait. */
void CpuParameters::update(std::span<const ParameterUpdate> updates, float gradientScale) {
  constexpr std::size_t piece = 16384;
  struct Piece {
    const ParameterUpdate* update;
    std::size_t offset;
    std::size_t count;
  };
  std::vector<Piece> pieces;
  bool adaptive = false;
  for (const ParameterUpdate& update : updates) {
    const std::size_t size = (codecs_[update.parameter]->size() + lanes - 1) / lanes * lanes;
    for (std::size_t start = 0; start < size; start += piece)
      pieces.push_back({&update, offsets_[update.parameter] + start, std::min(piece, size - start)});
    adaptive = adaptive || update.constants.rule == UpdateRule::adam;
    touch(update.parameter);
  }
  ensure(gradients_);
  ensure(first_);
  if (adaptive) ensure(second_);
  parallel(device_.threads, pieces.size(), [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t index = begin; index < end; index++) {
      const auto& [update, offset, count] = pieces[index];
      device_.kernels.update(gradients_.data() + offset, values_.data() + offset, first_.data() + offset,
                             adaptive ? second_.data() + offset : nullptr, count, update->constants,
                             gradientScale);
    }
  });
}

std::size_t CpuParameters::bytes() const {
  return (values_.size() + gradients_.size() + first_.size() + second_.size()) * sizeof(float);
}

}  // namespace thaw::cpu
