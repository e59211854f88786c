#pragma once

#include <cstddef>
#include <vector>

#include "engine/step.h"

namespace thaw::reference {

/** The numbers of a place, by image n, logical channel c and pixel, within a buffer [N, C, H, W]. */
template <typename Number>
class View {
 public:
  View(Number* buffer, std::size_t images, const Buffer& shape, const Place& place)
      : images(images),
        channels(place.channels),
        height(shape.height),
        width(shape.width),
        buffer_(buffer),
        bufferChannels_(shape.channels),
        place_(place) {}

  Number& at(std::size_t n, std::size_t c, std::size_t h, std::size_t w) const {
    return at(n, c, h * width + w);
  }
  Number& at(std::size_t n, std::size_t c, std::size_t pixel) const {
    return ofChannel(n, channel(c), pixel);
  }
  std::size_t pixels() const { return height * width; }
  /** Values of one channel in the batch. */
  std::size_t count() const { return images * pixels(); }
  /** Where a logical channel lies in the buffer, and so in the vectors that go with it. */
  std::size_t channel(std::size_t c) const { return place_.view.first + place_.at(c); }

  /** To be called by kernels that write the view: padding holds zeros. */
  void clearPadding() const {
    forEachPadding([](Number& number) { number = 0; });
  }
  bool isPaddingClear() const {
    bool clear = true;
    forEachPadding([&](Number& number) { clear = clear && number == 0; });
    return clear;
  }

  const std::size_t images;
  const std::size_t channels;
  const std::size_t height;
  const std::size_t width;

 private:
  Number& ofChannel(std::size_t n, std::size_t channel, std::size_t pixel) const {
    return buffer_[(n * bufferChannels_ + channel) * pixels() + pixel];
  }

  template <typename Work>
  void forEachPadding(Work&& work) const {
    std::vector<bool> used(place_.view.channels, false);
    for (std::size_t c = 0; c < channels; c++) used[place_.at(c)] = true;
    for (std::size_t p = 0; p < used.size(); p++)
      for (std::size_t n = 0; n < images && !used[p]; n++)
        for (std::size_t pixel = 0; pixel < pixels(); pixel++)
          work(ofChannel(n, place_.view.first + p, pixel));
  }

  Number* buffer_;
  std::size_t bufferChannels_;
  Place place_;
};

using TensorView = View<double>;

/** Calls work(n, c, pixel) for every element. */
template <typename Number, typename Work>
void forEach(const View<Number>& view, Work&& work) {
  for (std::size_t n = 0; n < view.images; n++)
    for (std::size_t c = 0; c < view.channels; c++)
      for (std::size_t pixel = 0; pixel < view.pixels(); pixel++) work(n, c, pixel);
}

}  // namespace thaw::reference
