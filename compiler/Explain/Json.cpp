// Json.cpp - the facts as JSON, for programs; docs/explain.md is the schema
#include "llvm/Support/JSON.h"
#include "compiler/Explain/Explanation.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace fc::explain {

namespace {

json::Value toJson(const Quote &quote) {
  json::Object object{{"text", quote.text}, {"line", int64_t(quote.line)}};
  if (!quote.file.empty())
    object["file"] = quote.file;
  return object;
}

template <class T, class Fn> json::Array array(const T &list, Fn fn) {
  json::Array result;
  for (const auto &item : list)
    result.push_back(fn(item));
  return result;
}

json::Value orNull(const std::string &text) {
  return text.empty() ? json::Value(nullptr) : json::Value(text);
}

json::Value orNull(std::optional<int64_t> value) {
  return value ? json::Value(*value) : json::Value(nullptr);
}

json::Value toJson(const Derived &derived) {
  return json::Object{{"from", toJson(derived.from)}, {"value", derived.value}};
}

json::Value toJson(const Walk &walk) {
  return json::Object{
      {"axes", walk.axes},
      {"from", walk.from},
      {"to", walk.to},
      {"by_hand", walk.byHand},
      {"merges", walk.merges},
      {"not_split_because", orNull(walk.whole)},
      {"another_because", orNull(walk.whyAgain)},
      {"carried", array(walk.carried,
                        [](const Carried &each) {
                          return json::Object{{"name", each.name},
                                              {"kind", orNull(each.kind)},
                                              {"term", orNull(each.term)},
                                              {"axes", each.axes},
                                              {"type", each.type},
                                              {"moves_by", orNull(each.moves)},
                                              {"correction", orNull(each.correction)},
                                              {"from", toJson(each.from)}};
                        })},
      {"derived", array(walk.derived, [](const Derived &each) { return toJson(each); })},
      {"outputs", array(walk.outputs, [](const Derived &each) { return toJson(each); })}};
}

json::Value toJson(const Mask &mask) {
  json::Object object{
      {"found", mask.found},
      {"why_not", orNull(mask.why)},
      {"rows", mask.rows},
      {"keys", mask.keys},
      {"row_tile", mask.rowTile},
      {"key_tile", mask.keyTile},
      {"conditions", array(mask.conditions, [](const Quote &each) { return toJson(each); })},
      {"tile_may_hold_a_key", orNull(mask.possible)},
      {"tile_is_full", orNull(mask.certain)},
      {"segments", array(mask.segments,
                         [](const Mask::Segment &each) {
                           return json::Object{
                               {"first_tile", orNull(each.low)},
                               {"last_tile", orNull(each.high)},
                               {"only_if", array(each.onlyIf, [](const std::string &condition) {
                                  return condition;
                                })}};
                         })},
      {"asked_of_each_tile", orNull(mask.inKernel)},
      {"skips_per_tile", mask.skipsPerTile},
      {"searched", array(mask.searched, [](const std::string &each) { return each; })},
      {"bounds_are_exact", mask.boundsAreExact},
      {"tests", mask.selects},
      {"tests_that_full_tiles_skip", mask.marked},
      {"undecided", array(mask.undecided, [](const std::string &each) { return each; })}};
  object["every_row_sees_a_key"] = mask.safetyKnown ? json::Value(mask.safe) : json::Value(nullptr);
  object["witness"] = orNull(mask.witness);
  object["not_proved_because"] = orNull(mask.unsafeBecause);
  return object;
}

json::Value toJson(const Counts &counts) {
  json::Object object{{"at", counts.at},
                      {"slices", counts.slices},
                      {"same_for_all_slices", counts.same},
                      {"row_tiles", counts.rowTiles},
                      {"key_tiles", counts.keyTiles},
                      {"idle_row_tiles", counts.idleRowTiles},
                      {"skipped", counts.skipped},
                      {"partial", counts.partial},
                      {"full", counts.full},
                      {"flops_all", counts.flopsAll},
                      {"flops_walked", counts.flopsWalked},
                      {"not_checked_because", orNull(counts.unchecked)}};
  object["truly_empty"] = counts.checked ? json::Value(counts.trueEmpty) : json::Value(nullptr);
  object["truly_full"] = counts.checked ? json::Value(counts.trueFull) : json::Value(nullptr);
  object["flops_needed"] = counts.checked ? json::Value(counts.flopsNeeded) : json::Value(nullptr);
  return object;
}

json::Value toJson(const Place &place) {
  json::Object object{{"what", place.what},
                      {"shape", place.shape},
                      {"type", place.type},
                      {"where", place.where},
                      {"layout", place.layout},
                      {"amount", place.amount},
                      {"line", int64_t(place.from.line)}};
  if (place.slots)
    object["slots"] = place.slots;
  if (!place.via.empty())
    object["via"] = place.via;
  return object;
}

json::Value toJson(const Need &need) {
  return json::Object{{"what", need.what}, {"amount", need.amount}};
}

json::Value toJson(const Machine &machine) {
  auto needs = [](const std::vector<Need> &list) {
    return array(list, [](const Need &each) { return toJson(each); });
  };
  json::Object object{
      {"target", machine.target},
      {"board", machine.board},
      {"strategy", machine.strategy},
      {"threads", machine.threads},
      {"ctas_per_sm", machine.ctasPerSm},
      {"estimated_registers", machine.registerEstimate},
      {"registers_for_tiles", machine.registerTotal},
      {"registers_limit", machine.registerLimit},
      {"registers", needs(machine.registers)},
      {"shared_bytes", machine.sharedTotal},
      {"shared_limit", machine.sharedLimit},
      {"shared", needs(machine.shared)},
      {"products", array(machine.products, [](const Quote &each) { return toJson(each); })}};
  object["ptxas_registers"] = orNull(machine.ptxasRegisters);
  object["ptxas_spill_bytes"] = orNull(machine.ptxasSpills);
  object["ptxas_ctas_per_sm"] = orNull(machine.ptxasCtasPerSm);
  return object;
}

json::Value toJson(const Form &form) {
  return json::Object{
      {"name", form.name},
      {"entry", form.entry},
      {"purpose", orNull(form.purpose)},
      {"schedule", form.schedule},
      {"condition", orNull(form.condition)},
      {"requires", orNull(form.needs)},
      {"grid", form.grid},
      {"not_split", array(form.whole, [](const std::string &each) { return each; })},
      {"holds", form.holds ? json::Value(*form.holds) : json::Value(nullptr)},
      {"estimated_registers", form.registers},
      {"estimated_shared_bytes", form.shared},
      {"ctas_per_sm", form.ctasPerSm},
      {"ptxas_registers", orNull(form.ptxasRegisters)},
      {"ptxas_spill_bytes", orNull(form.ptxasSpills)}};
}

json::Value toJson(const Candidate &candidate) {
  return json::Object{
      {"schedule", candidate.schedule},
      {"estimated_registers", candidate.registers},
      {"estimated_shared_bytes", candidate.shared},
      {"ctas_per_sm", candidate.ctasPerSm},
      {"relative_time", candidate.time ? json::Value(*candidate.time) : json::Value(nullptr)},
      {"taken", candidate.taken},
      {"unasked", candidate.unasked},
      {"verdict", candidate.verdict}};
}

json::Value toJson(const Occupancy &occupancy) {
  json::Object object{{"ctas", occupancy.ctas},
                      {"sms", occupancy.sms},
                      {"ctas_per_sm", occupancy.ctasPerSm},
                      {"busy_sms", occupancy.busySms()}};
  object["waves"] = occupancy.ctasPerSm > 0 ? json::Value(occupancy.waves()) : json::Value(nullptr);
  return object;
}

json::Value toJson(const Schedule &schedule) {
  json::Object object{
      {"chosen", schedule.text},
      {"reasons", array(schedule.reasons, [](const std::string &each) { return each; })},
      {"candidates",
       array(schedule.candidates, [](const Candidate &each) { return toJson(each); })},
      {"forms", array(schedule.forms, [](const Form &each) { return toJson(each); })},
      {"form", schedule.forms.empty() ? json::Value(nullptr)
                                      : json::Value(schedule.forms[schedule.told].name)}};
  object["launch"] = schedule.occupancy ? toJson(*schedule.occupancy) : json::Value(nullptr);
  return object;
}

json::Value toJson(const Kernel &kernel) {
  return json::Object{
      {"name", kernel.name},
      {"file", kernel.file},
      {"line", int64_t(kernel.line)},
      {"parameters", kernel.parameters},
      {"grid", kernel.grid},
      {"walks", array(kernel.walks, [](const Walk &each) { return toJson(each); })},
      {"masks", array(kernel.masks, [](const Mask &each) { return toJson(each); })},
      {"shape", orNull(kernel.shape)},
      {"counts", array(kernel.counts, [](const Counts &each) { return toJson(each); })},
      {"places", array(kernel.places, [](const Place &each) { return toJson(each); })},
      {"schedule", toJson(kernel.schedule)},
      {"machine", toJson(kernel.machine)}};
}

} // namespace

std::string asJson(const std::vector<Kernel> &kernels) {
  json::Value value = json::Object{
      {"explain", 3}, {"kernels", array(kernels, [](const Kernel &each) { return toJson(each); })}};
  std::string text;
  raw_string_ostream(text) << formatv("{0:2}", value) << "\n";
  return text;
}

} // namespace fc::explain
