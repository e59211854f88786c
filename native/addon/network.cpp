#include "addon/network.h"

#include <memory>
#include <optional>

#include "addon/job.h"
#include "addon/network_options.h"

namespace thaw::addon {
namespace {

Napi::Value passResult(Napi::Env env, const PassResult& result) {
  const Napi::Object object = Napi::Object::New(env);
  object.Set("losses", float64Array(env, result.losses));
  if (!result.gradientNorms.empty()) {
    object.Set("gradientNorms", float64Array(env, result.gradientNorms));
    object.Set("weightNorms", float64Array(env, result.weightNorms));
  }
  object.Set("assembleSeconds", Napi::Number::New(env, result.assembleSeconds));
  object.Set("forwardSeconds", Napi::Number::New(env, result.forwardSeconds));
  object.Set("backwardSeconds", Napi::Number::New(env, result.backwardSeconds));
  object.Set("updateSeconds", Napi::Number::New(env, result.updateSeconds));
  return object;
}

class NetworkObject : public Napi::ObjectWrap<NetworkObject> {
 public:
  explicit NetworkObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<NetworkObject>(info) {
    guarded(info.Env(), [&] {
      const Argument options(info[0], "");
      if (!info[0].IsObject())
        throw EngineError(ErrorCode::engine, "expected an object for the options of a network.", "options");
      input_ = networkInput(options.field("input"));
      held_.hold(info.Env(), std::make_unique<Network>(networkOptions(options), networkBackend(options)));
    });
  }

  void Finalize(Napi::Env env) override { release(env); }

  void load(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      Network& network = held_.open();
      const std::size_t parameter = network.parameter(Argument(info[0], "parameter").text());
      network.load(parameter, Argument(info[1], "values").floats());
    });
  }

  Napi::Value read(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      Network& network = held_.open();
      return float32Array(info.Env(), network.read(network.parameter(Argument(info[0], "parameter").text())));
    });
  }

  Napi::Value readAverage(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      Network& network = held_.open();
      return float32Array(info.Env(),
                          network.readAverage(network.parameter(Argument(info[0], "parameter").text())));
    });
  }

  Napi::Value readGradient(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] {
      Network& network = held_.open();
      return float32Array(info.Env(),
                          network.readGradient(network.parameter(Argument(info[0], "parameter").text())));
    });
  }

  Napi::Value train(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      Network& network = held_.open();
      const Argument request(info[0], "request"), abort(info[1], "abort");
      TrainRequest plain;
      std::vector<Napi::Object> kept = {info.This().As<Napi::Object>(), abort.object()};
      const auto field = [&](const char* name) {
        const Argument argument = request.field(name);
        if (argument.isGiven()) kept.push_back(argument.object());
        return argument;
      };
      plain.order = field("order").rows(input_.source->rows());
      if (const Argument occurrences = field("occurrences"); occurrences.isGiven())
        plain.occurrences = occurrences.rows(SIZE_MAX);
      plain.targets = field("targets").floats();
      plain.learningRates = field("learningRates").floats();
      if (const Argument momenta = field("momenta"); momenta.isGiven()) plain.momenta = momenta.floats();
      plain.trainedStages = field("trainedStages").rows(SIZE_MAX);
      plain.epoch = request.field("epoch").count(0);
      if (const Argument norms = request.field("recordNorms"); norms.isGiven())
        plain.recordNorms = norms.flag();
      const auto result = std::make_shared<PassResult>();
      const std::int32_t* flag = abort.abortFlag();
      return Job::start(
          info.Env(), &held_.occupancy, kept,
          [this, &network, plain, flag, result](const std::atomic<bool>& closing) {
            *result = network.train(*input_.source, plain, {flag, &closing});
          },
          [this, result](Napi::Env env) {
            held_.report(env);
            return passResult(env, *result);
          });
    });
  }

  Napi::Value infer(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      Network& network = held_.open();
      const Argument rows(info[0], "rows"), abort(info[1], "abort"), other(info[2], "input");
      const auto input =
          std::make_shared<NetworkInput>(other.isGiven() ? networkInput(other) : NetworkInput{});
      BatchSource& source = other.isGiven() ? *input->source : *input_.source;
      const auto chosen = rows.rows(source.rows());
      const std::int32_t* flag = abort.abortFlag();
      auto logits = Napi::Float32Array::New(info.Env(), chosen.size() * network.outputs());
      const std::span<float> out(logits.Data(), logits.ElementLength());
      const auto kept = std::make_shared<Napi::ObjectReference>(Napi::Persistent(logits.As<Napi::Object>()));
      return Job::start(
          info.Env(), &held_.occupancy, {info.This().As<Napi::Object>(), rows.object(), abort.object()},
          [&network, &source, input, chosen, flag, out](const std::atomic<bool>& closing) {
            network.infer(source, chosen, {flag, &closing}, out);
          },
          [this, kept](Napi::Env env) -> Napi::Value {
            held_.report(env);
            return kept->Value();
          });
    });
  }

  Napi::Value snapshot(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      Network& network = held_.open();
      const auto state = std::make_shared<std::vector<std::uint8_t>>();
      return Job::start(
          info.Env(), &held_.occupancy, {info.This().As<Napi::Object>()},
          [&network, state](const std::atomic<bool>&) { *state = network.snapshot(); },
          [state](Napi::Env env) { return uint8Array(env, *state); });
    });
  }

  Napi::Value restore(const Napi::CallbackInfo& info) { return take(info, &Network::restore); }

  Napi::Value adopt(const Napi::CallbackInfo& info) { return take(info, &Network::adopt); }

  Napi::Value steps(const Napi::CallbackInfo& info) {
    return guarded(info.Env(), [&] { return Napi::Number::New(info.Env(), held_.open().steps()); });
  }

  Napi::Value bytes(const Napi::CallbackInfo& info) {
    return guarded(info.Env(),
                   [&] { return Napi::Number::New(info.Env(), static_cast<double>(held_.open().bytes())); });
  }

  void dispose(const Napi::CallbackInfo& info) {
    guarded(info.Env(), [&] {
      held_.occupancy.require();
      release(info.Env());
    });
  }

 private:
  /** A job that gives the network the state that is the argument. */
  Napi::Value take(const Napi::CallbackInfo& info, void (Network::*into)(std::span<const std::uint8_t>)) {
    return guarded(info.Env(), [&]() -> Napi::Value {
      Network& network = held_.open();
      const Argument state(info[0], "state");
      const auto bytes = state.bytes();
      return Job::start(
          info.Env(), &held_.occupancy, {info.This().As<Napi::Object>(), state.object()},
          [&network, bytes, into](const std::atomic<bool>&) { (network.*into)(bytes); },
          [](Napi::Env env) { return env.Undefined(); });
    });
  }

  void release(Napi::Env env) {
    held_.release(env);
    input_ = {};
  }

  NetworkInput input_;
  Held<Network> held_{"network"};
};

}  // namespace

Napi::Function networkClass(Napi::Env env) {
  using Object = NetworkObject;
  return Object::DefineClass(
      env, "Network",
      {Object::InstanceMethod<&Object::load>("load"), Object::InstanceMethod<&Object::read>("read"),
       Object::InstanceMethod<&Object::readAverage>("readAverage"),
       Object::InstanceMethod<&Object::readGradient>("readGradient"),
       Object::InstanceMethod<&Object::train>("train"), Object::InstanceMethod<&Object::infer>("infer"),
       Object::InstanceMethod<&Object::snapshot>("snapshot"),
       Object::InstanceMethod<&Object::restore>("restore"), Object::InstanceMethod<&Object::adopt>("adopt"),
       Object::InstanceMethod<&Object::steps>("steps"), Object::InstanceMethod<&Object::bytes>("bytes"),
       Object::InstanceMethod<&Object::dispose>("dispose")});
}

}  // namespace thaw::addon
