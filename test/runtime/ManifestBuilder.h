// ManifestBuilder.h - the manifests that the runtime's tests start from and then spoil.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace fc::rt::test {

using Json = nlohmann::ordered_json;

/// The manifest of docs/manifest.md: causal attention.
inline Json causalManifest() {
  return Json::parse(R"({"format": 1, "target": "sm_80",
    "source": {"path": "causal.fc", "sha256": ""},
    "kernels": [
     {"name": "causal", "cparams": {"T": "f16", "D": 64},
      "dims": [{"name": "B", "tensor": "q", "index": 0, "offset": 0},
               {"name": "H", "tensor": "q", "index": 1, "offset": 0},
               {"name": "M", "tensor": "q", "index": 2, "offset": 0},
               {"name": "G", "tensor": "k", "index": 1, "offset": 0},
               {"name": "N", "tensor": "k", "index": 2, "offset": 0}],
      "params": [
       {"kind": "tensor", "name": "q", "elem": "f16", "shape": ["B", "H", "M", "D"],
        "orOne": [false, false, false, false], "output": false, "nullable": false, "align": 2},
       {"kind": "tensor", "name": "k", "elem": "f16", "shape": ["B", "G", "N", "D"],
        "orOne": [false, false, false, false], "output": false, "nullable": false, "align": 2},
       {"kind": "tensor", "name": "v", "elem": "f16", "shape": ["B", "G", "N", "D"],
        "orOne": [false, false, false, false], "output": false, "nullable": false, "align": 2},
       {"kind": "scalar", "name": "scale", "elem": "f32", "default": ["/", 1, ["sqrt", "D"]]},
       {"kind": "tensor", "name": "o", "elem": "f16", "shape": ["B", "H", "M", "D"],
        "orOne": [false, false, false, false], "output": true, "nullable": true, "align": 2},
       {"kind": "tensor", "name": "lse", "elem": "f32", "shape": ["B", "H", "M"],
        "orOne": [false, false, false], "output": true, "nullable": true, "align": 4}],
      "facts": [{"text": "H % G == 0", "expr": ["==", ["%", "H", "G"], 0]}],
      "workspace": [],
      "variants": [
       {"name": "scalar", "condition": null,
        "launches": [
         {"entry": "causal", "grid": [["/", ["+", "M", 63], 64], "H", "B"], "block": [128, 1, 1],
          "shared": 0, "cluster": [1, 1, 1],
          "args": [{"tensor": "q"}, {"stride": "q", "dim": 0}, {"stride": "q", "dim": 1},
                   {"stride": "q", "dim": 2}, {"tensor": "k"}, {"dim": "M"}, {"dim": "N"},
                   {"scalar": "scale"}, {"tensor": "o"}]}]}]}]})");
}

/// One kernel over x: f32[N] -> o: f32[N] with the given expression as the default of its scalar
/// `s`.
inline Json exprManifest(const Json &expr, const char *elem = "f32") {
  Json json = causalManifest();
  json["kernels"][0]["params"][3]["default"] = expr;
  json["kernels"][0]["params"][3]["elem"] = elem;
  return json;
}

} // namespace fc::rt::test
