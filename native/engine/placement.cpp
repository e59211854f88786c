#include <algorithm>

#include "engine/lowering.h"

namespace thaw {

Placement::Placement(const CheckedGraph& graph, const ProgramOptions& options, std::size_t firstTrained,
                     std::vector<Buffer>& buffers)
    : graph_(graph), renaming_(graph.nodes.size(), false) {
  findRoots(firstTrained);
  padChannels(options.channelMultiple);
  placeConcats(buffers);
}

void Placement::findRoots(std::size_t firstTrained) {
  roots_.resize(graph_.tensors.size());
  consumers_.resize(graph_.tensors.size());
  roots_[0] = 0;
  for (std::size_t node = 0; node < graph_.nodes.size(); node++) {
    const CheckedNode& checked = graph_.nodes[node];
    const Op& op = graph_.graph.nodes[node].op;
    const auto* dropout = std::get_if<Dropout>(&op);
    const bool flattens = std::holds_alternative<Flatten>(op) && graph_.inputOf(node).extent.pixels() == 1;
    renaming_[node] = std::holds_alternative<Identity>(op) || flattens ||
                      (dropout != nullptr && (dropout->rate == 0 || node < firstTrained));
    if (renaming_[node]) {
      roots_[checked.output] = roots_[checked.inputs[0]];
      continue;
    }
    roots_[checked.output] = checked.output;
    for (const std::size_t input : checked.inputs) consumers_[roots_[input]].push_back(node);
  }
}

void Placement::padChannels(std::size_t multiple) {
  physical_.resize(graph_.tensors.size());
  maps_.resize(graph_.tensors.size());
  const auto rounded = [&](std::size_t channels) { return (channels + multiple - 1) / multiple * multiple; };
  physical_[0] = rounded(graph_.tensors[0].extent.channels);
  for (std::size_t node = 0; node < graph_.nodes.size(); node++) {
    const std::size_t output = graph_.nodes[node].output;
    const Op& op = graph_.graph.nodes[node].op;
    if (roots_[output] != output) continue;
    physical_[output] = rounded(graph_.tensors[output].extent.channels);
    if (std::holds_alternative<Conv2d>(op) || std::holds_alternative<Linear>(op) ||
        std::holds_alternative<Flatten>(op))
      continue;
    const std::size_t first = roots_[graph_.nodes[node].inputs[0]];
    if (!std::holds_alternative<Concat>(op)) {
      physical_[output] = physical_[first];
      maps_[output] = maps_[first];
      continue;
    }
    std::vector<std::uint32_t> map;
    std::size_t start = 0;
    for (const std::size_t member : members(output)) {
      const std::size_t channels = graph_.tensors[member].extent.channels;
      for (std::size_t channel = 0; channel < channels; channel++)
        map.push_back(
            static_cast<std::uint32_t>(start + (maps_[member] ? (*maps_[member])[channel] : channel)));
      start += physical_[member];
    }
    physical_[output] = start;
    if (map.back() + 1 != map.size())
      maps_[output] = std::make_shared<const std::vector<std::uint32_t>>(std::move(map));
  }
}

/**
 * From the last concatenation to the first: its buffer holds its members, the ones that are concatenations
 * with theirs. A tensor lies in one buffer only; where a second one wants it, that one gets a copy.
 */
void Placement::placeConcats(std::vector<Buffer>& buffers) {
  windows_.resize(graph_.tensors.size());
  for (std::size_t node = graph_.nodes.size(); node-- > 0;) {
    if (!std::holds_alternative<Concat>(graph_.graph.nodes[node].op)) continue;
    const std::size_t output = graph_.nodes[node].output;
    const std::vector<std::size_t> parts = members(output);
    if (!windows_[output]) {
      if (const auto found = adjacent(parts)) {
        windows_[output] = layout(output, found->buffer);
        windows_[output]->view.first = found->first;
        continue;
      }
      const Extent& extent = graph_.tensors[output].extent;
      buffers.push_back({physical_[output], extent.height, extent.width});
      windows_[output] = layout(output, static_cast<std::uint32_t>(buffers.size() - 1));
    }
    std::size_t first = windows_[output]->view.first;
    for (const std::size_t part : parts) {
      if (!windows_[part]) {
        windows_[part] = layout(part, windows_[output]->view.buffer);
        windows_[part]->view.first = first;
      }
      first += physical_[part];
    }
  }
}

std::optional<View> Placement::adjacent(const std::vector<std::size_t>& parts) const {
  if (!windows_[parts[0]]) return std::nullopt;
  View whole = windows_[parts[0]]->view;
  for (std::size_t index = 1; index < parts.size(); index++) {
    if (!windows_[parts[index]]) return std::nullopt;
    const View& view = windows_[parts[index]]->view;
    if (view.buffer != whole.buffer || view.first != whole.first + whole.channels) return std::nullopt;
    whole.channels += view.channels;
  }
  return whole;
}

std::vector<std::size_t> Placement::members(std::size_t concat) const {
  std::vector<std::size_t> members;
  for (const std::size_t input : graph_.nodes[graph_.tensors[concat].maker].inputs)
    members.push_back(roots_[input]);
  return members;
}

Place Placement::layout(std::size_t root, std::uint32_t buffer) const {
  return {{buffer, 0, physical_[root]}, graph_.tensors[root].extent.channels, maps_[root]};
}

bool Placement::alike(std::size_t root, std::size_t other) const {
  if (physical_[root] != physical_[other]) return false;
  if (maps_[root] == nullptr || maps_[other] == nullptr) return maps_[root] == maps_[other];
  return *maps_[root] == *maps_[other];
}

}  // namespace thaw
