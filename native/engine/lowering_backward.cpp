#include <algorithm>
#include <unordered_map>

#include "engine/lowering.h"

namespace thaw {
namespace {

/**
 * Walks the trained part from the output to its first node. Each buffer of activations gets a buffer of
 * gradients of the same shape: the first step that writes to a part of it overwrites, later ones add. Batch
 * norms whose input others read too leave a correction (k1 + k2 · (x − mean) for each channel) behind, which
 * is applied once when the gradient is taken.
 */
class BackwardLowering {
 public:
  explicit BackwardLowering(Lowering& lowering) : lowering_(lowering) {}

  void run() {
    findWanted();
    const Place out = lowering_.outputPlace;
    emit(OutputBackwardStep{give(out).first});
    for (std::size_t index = lowering_.records.size(); index-- > 0;) {
      const Lowering::Record& record = lowering_.records[index];
      if (!learns(record)) continue;
      std::visit([&](const auto& step) { lower(record, step); }, record.step);
    }
    if (!corrections_.empty()) {
      ClearStep clear;
      for (const auto& [buffer, vectors] : corrections_) {
        clear.vectors.push_back(vectors.first);
        clear.vectors.push_back(vectors.second);
      }
      std::sort(clear.vectors.begin(), clear.vectors.end());
      steps_.insert(steps_.begin(), clear);
    }
    lowering_.program.backward = std::move(steps_);
  }

 private:
  using Record = Lowering::Record;
  struct Channels {
    std::uint32_t gradient;      ///< buffer
    std::vector<bool> written;   ///< of the gradient buffer's channels
    std::vector<bool> deferred;  ///< channels with corrections
  };

  // Which channels of which buffers does a gradient have to reach? Those made, directly or not, from trained
  // parameters.
  void findWanted() {
    for (const Record& record : lowering_.records) {
      if (learns(record)) mark(record.output);
    }
  }
  /** Does the record have trained parameters, or inputs that a gradient has to reach? */
  bool learns(const Record& record) const {
    if (record.trained && hasParameters(record.step)) return true;
    return std::any_of(record.inputs.begin(), record.inputs.end(),
                       [&](const Place& place) { return isWanted(place); });
  }
  bool hasParameters(const Step& step) const {
    if (const auto* norm = std::get_if<NormalizeStep>(&step)) return trainsNorm(*norm);
    return std::holds_alternative<ConvolutionStep>(step) || std::holds_alternative<LinearStep>(step);
  }
  bool trainsNorm(const NormalizeStep& step) const {
    return lowering_.normModeOf(step.node) != NormMode::fixed;
  }
  void mark(const Place& place) {
    auto& channels = wanted_[place.view.buffer];
    channels.resize(lowering_.program.buffers[place.view.buffer].channels, false);
    std::fill_n(channels.begin() + place.view.first, place.view.channels, true);
  }
  bool isWanted(const Place& place) const {
    const auto found = wanted_.find(place.view.buffer);
    if (found == wanted_.end()) return false;
    const auto first = found->second.begin() + place.view.first;
    return std::find(first, first + place.view.channels, true) != first + place.view.channels;
  }

  void emit(Step step) { steps_.push_back(std::move(step)); }

  Channels& channelsOf(const Place& place) {
    const std::uint32_t buffer = place.view.buffer;
    auto found = channels_.find(buffer);
    if (found == channels_.end()) {
      Place whole = place;
      whole.view = {buffer, 0, lowering_.program.buffers[buffer].channels};
      const std::size_t count = whole.view.channels;
      found = channels_
                  .emplace(buffer, Channels{lowering_.newBuffer(whole), std::vector(count, false),
                                            std::vector(count, false)})
                  .first;
    }
    return found->second;
  }

  Place gradientPlace(const Place& place) {
    Place gradient = place;
    gradient.view.buffer = channelsOf(place).gradient;
    return gradient;
  }

  /** Where to put the gradient of a tensor, and whether to add to what is there. */
  std::pair<Place, bool> give(const Place& place) {
    Channels& channels = channelsOf(place);
    const auto first = channels.written.begin() + place.view.first, end = first + place.view.channels;
    const bool some = std::find(first, end, true) != end, all = std::find(first, end, false) == end;
    if (some && !all) fill(place);
    std::fill(first, end, true);
    return {gradientPlace(place), some};
  }

  /** Zeroes the runs of a gradient that nothing has written. */
  void fill(const Place& place) {
    Channels& channels = channelsOf(place);
    for (std::size_t at = place.view.first; at < place.view.first + place.view.channels;) {
      std::size_t end = at;
      while (end < place.view.first + place.view.channels && channels.written[end] == channels.written[at])
        end++;
      if (!channels.written[at]) {
        emit(FillStep{{{channels.gradient, at, end - at}, end - at, nullptr}});
        std::fill(channels.written.begin() + at, channels.written.begin() + end, true);
      }
      at = end;
    }
  }

  /** The finished gradient of a tensor; where `whole`, in all of a buffer. */
  Place take(const Place& place, bool whole) {
    fill(place);
    Channels& channels = channelsOf(place);
    const Place gradient = gradientPlace(place);
    const auto first = channels.deferred.begin() + place.view.first;
    const bool corrected = std::find(first, first + place.view.channels, true) != first + place.view.channels;
    const bool moves = whole && !lowering_.isWhole(gradient.view);
    if (!corrected && !moves) return gradient;
    const Place to = moves ? lowering_.ownBuffer(gradient) : gradient;
    if (corrected) {
      const auto& [k1, k2] = corrections_.at(place.view.buffer);
      emit(CorrectStep{gradient, place, to, lowering_.statistics[place.view.buffer]->mean, k1, k2});
    } else {
      emit(CopyStep{gradient, to});
    }
    return to;
  }

  /** Hands a kernel that overwrites all of a buffer its target, and adds that to the gradient afterwards. */
  template <typename Emit>
  void overwriting(const Place& input, Emit&& run) {
    const auto [target, accumulate] = give(input);
    if (!accumulate && lowering_.isWhole(target.view)) return run(target);
    const Place own = lowering_.ownBuffer(target);
    run(own);
    emit(CopyStep{own, target, accumulate});
  }

  /** An input of a trained layer, made again where it was not kept. */
  Place kept(const Place& place) {
    const auto remade = remade_.find(place.view.buffer);
    if (remade != remade_.end()) return remade->second;
    const auto maker = lowering_.options().keepNormalized ? normalizers_.end() : findNormalizer(place);
    if (maker == normalizers_.end()) return place;
    NormalizeStep again = *maker->second;
    again.updateRunning = false;
    again.out = lowering_.ownBuffer(place);
    emit(again);
    return remade_.emplace(place.view.buffer, again.out).first->second;
  }
  std::unordered_map<std::uint32_t, const NormalizeStep*>::iterator findNormalizer(const Place& place) {
    if (normalizers_.empty()) {
      for (const Record& record : lowering_.records) {
        const auto* step = std::get_if<NormalizeStep>(&record.step);
        if (step != nullptr && !step->residual && lowering_.isWhole(step->out.view))
          normalizers_.emplace(step->out.view.buffer, step);
      }
    }
    return normalizers_.find(place.view.buffer);
  }

  /** How many steps of the trained part read channels of this tensor? */
  std::size_t readers(const Place& place) const {
    std::size_t count = 0;
    for (const Record& record : lowering_.records)
      for (const Place& input : record.inputs)
        if (input.view.buffer == place.view.buffer &&
            input.view.first < place.view.first + place.view.channels &&
            place.view.first < input.view.first + input.view.channels)
          count++;
    return count;
  }

  Place throughActivation(const Place& y, Place gradient, const Activation& activation) {
    if (activation.kind != Activation::Kind::none)
      emit(ActivationBackwardStep{y, gradient, gradient, activation});
    return gradient;
  }

  void lower(const Record& record, const ConvolutionStep& step) {
    ConvolutionBackwardStep backward = {step, {}, std::nullopt, std::nullopt};
    backward.gradient = throughActivation(record.output, take(record.output, true), step.activation);
    if (record.trained) backward.in = kept(step.in);
    if (!isWanted(step.in)) return emit(backward);
    overwriting(step.in, [&](const Place& target) {
      backward.out = target;
      emit(backward);
    });
  }

  void lower(const Record& record, const NormalizeStep& step) {
    NormalizeBackwardStep backward;
    backward.forward = step;
    backward.gradient = take(step.out, false);
    backward.parameterGradients = record.trained && trainsNorm(step);
    if (step.residual && isWanted(*step.residual))
      std::tie(backward.residual, backward.accumulateResidual) = give(*step.residual);
    if (isWanted(step.in)) {
      std::tie(backward.out, backward.accumulate) = give(step.in);
      if (step.statistics && (backward.accumulate || readers(step.in) > 1)) {
        backward.deferred = correctionsOf(step.in);
        auto& deferred = channelsOf(step.in).deferred;
        std::fill_n(deferred.begin() + step.in.view.first, step.in.view.channels, true);
      }
    }
    emit(backward);
  }

  std::pair<VectorId, VectorId> correctionsOf(const Place& place) {
    const auto found = corrections_.find(place.view.buffer);
    if (found != corrections_.end()) return found->second;
    const std::size_t length = lowering_.program.buffers[place.view.buffer].channels;
    const VectorId k1 = lowering_.newVector(length), k2 = lowering_.newVector(length);
    return corrections_.emplace(place.view.buffer, std::pair{k1, k2}).first->second;
  }

  void lower(const Record&, const ActivationStep& step) {
    const Place gradient = take(step.out, false);
    const auto [target, accumulate] = give(step.in);
    emit(ActivationBackwardStep{step.out, gradient, target, step.activation, accumulate});
  }

  void lower(const Record&, const PoolStep& step) {
    const Place gradient = take(step.out, false);
    const auto [target, accumulate] = give(step.in);
    emit(PoolBackwardStep{step, gradient, target, accumulate});
  }

  void lower(const Record&, const AddStep& step) {
    const Place gradient = throughActivation(step.out, take(step.out, false), step.activation);
    for (const Place& input : {step.a, step.b}) {
      if (!isWanted(input)) continue;
      const auto [target, accumulate] = give(input);
      emit(CopyStep{gradient, target, accumulate});
    }
  }

  void lower(const Record&, const CopyStep& step) {
    const Place gradient = take(step.to, false);
    const auto [target, accumulate] = give(step.from);
    emit(CopyStep{gradient, target, accumulate});
  }

  void lower(const Record& record, const LinearStep& step) {
    LinearBackwardStep backward = {step, take(record.output, true), std::nullopt, std::nullopt,
                                   record.trained};
    if (record.trained) backward.in = kept(step.in);
    if (!isWanted(step.in)) return emit(backward);
    overwriting(step.in, [&](const Place& target) {
      backward.out = target;
      emit(backward);
    });
  }

  void lower(const Record&, const DropoutStep& step) {
    const Place gradient = take(step.out, false);
    const auto [target, accumulate] = give(step.in);
    emit(DropoutStep{step.layer, step.rate, gradient, target, accumulate});
  }

  void lower(const Record& record, const FlattenStep& step) {
    const Place gradient = take(record.output, false);
    const auto [target, accumulate] = give(step.in);
    emit(FlattenStep{gradient, target, true, accumulate});
  }

  template <typename Other>
  void lower(const Record&, const Other&) {}

  Lowering& lowering_;
  std::vector<Step> steps_;
  std::unordered_map<std::uint32_t, std::vector<bool>> wanted_;
  std::unordered_map<std::uint32_t, Channels> channels_;
  std::unordered_map<std::uint32_t, std::pair<VectorId, VectorId>> corrections_;
  std::unordered_map<std::uint32_t, const NormalizeStep*> normalizers_;
  std::unordered_map<std::uint32_t, Place> remade_;
};

}  // namespace

void lowerBackward(Lowering& lowering) {
  BackwardLowering(lowering).run();
}

}  // namespace thaw
