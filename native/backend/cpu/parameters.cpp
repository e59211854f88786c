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
    : device_(device),
      codecs_(std::move(codecs)),
      versions_(graph.graph.parameters.size(), 1),
      averaged_(graph.graph.parameters.size(), false) {
  for (const auto& codec : codecs_) {
    offsets_.push_back(total_);
    total_ += codec == nullptr ? 0 : (codec->size() + lanes - 1) / lanes * lanes;
  }
  values_ = AlignedBuffer<float>(total_);
}

void CpuParameters::write(std::size_t parameter, std::span<const float> values) {
  if (codecs_[parameter] == nullptr) return;
  codecs_[parameter]->pack(values, values_.data() + offsets_[parameter]);
  if (averaged_[parameter]) codecs_[parameter]->pack(values, averages_.data() + offsets_[parameter]);
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
void CpuParameters::addPieces(std::size_t parameter, std::vector<Piece>& pieces) const {
  constexpr std::size_t piece = 16384;
  const std::size_t size = (codecs_[parameter]->size() + lanes - 1) / lanes * lanes;
  for (std::size_t start = 0; start < size; start += piece)
    pieces.push_back({parameter, offsets_[parameter] + start, std::min(piece, size - start)});
}

void CpuParameters::update(std::span<const ParameterUpdate> updates, float gradientScale) {
  std::vector<Piece> pieces;
  std::vector<const UpdateConstants*> constants;
  bool adaptive = false;
  for (const ParameterUpdate& update : updates) {
    addPieces(update.parameter, pieces);
    constants.resize(pieces.size(), &update.constants);
    adaptive = adaptive || update.constants.rule == UpdateRule::adam;
    touch(update.parameter);
  }
  ensure(gradients_);
  ensure(first_);
  if (adaptive) ensure(second_);
  parallel(device_.threads, pieces.size(), [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t index = begin; index < end; index++) {
      const auto& [parameter, offset, count] = pieces[index];
      device_.kernels.update(gradients_.data() + offset, values_.data() + offset, first_.data() + offset,
                             adaptive ? second_.data() + offset : nullptr, count, *constants[index],
                             gradientScale);
    }
  });
}

void CpuParameters::startAverage(std::size_t parameter) {
  if (averaged_[parameter] || codecs_[parameter] == nullptr) return;
  ensure(averages_);
  averaged_[parameter] = true;
  addPieces(parameter, averagePieces_);
  std::copy_n(values_.data() + offsets_[parameter], codecs_[parameter]->size(),
              averages_.data() + offsets_[parameter]);
}

void CpuParameters::average(double share) {
  parallel(device_.threads, averagePieces_.size(), [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t index = begin; index < end; index++) {
      const auto& [parameter, offset, count] = averagePieces_[index];
      device_.kernels.average(values_.data() + offset, averages_.data() + offset, count,
                              static_cast<float>(share));
    }
  });
}

void CpuParameters::readAverage(std::size_t parameter, std::span<float> values) const {
  if (codecs_[parameter] == nullptr) return;
  codecs_[parameter]->unpack((averaged_[parameter] ? averages_ : values_).data() + offsets_[parameter],
                             values);
}

void CpuParameters::writeAverage(std::size_t parameter, std::span<const float> values) {
  startAverage(parameter);
  if (averaged_[parameter]) codecs_[parameter]->pack(values, averages_.data() + offsets_[parameter]);
}

void CpuParameters::dropAverages() {
  averaged_.assign(averaged_.size(), false);
  averagePieces_.clear();
}

void CpuParameters::showAverages(bool shown) {
  if (shown == averagesShown_) return;
  averagesShown_ = shown;
  for (std::size_t parameter = 0; parameter < averaged_.size(); parameter++)
    if (averaged_[parameter]) touch(parameter);
}

std::size_t CpuParameters::bytes() const {
  return (values_.size() + gradients_.size() + first_.size() + second_.size() + averages_.size()) *
         sizeof(float);
}

}  // namespace thaw::cpu
