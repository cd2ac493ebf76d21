// TunedSchedules.cpp - reads the tables that tools/fc-tune writes
#include "compiler/Target/TunedSchedules.h"
#include "llvm/Support/JSON.h"

using namespace llvm;

namespace fc {

namespace {

Error wrong(const Twine &message) {
  return createStringError(inconvertibleErrorCode(), "tuned table: " + message);
}

/// The value of a compile-time parameter, as JSON has it.
json::Value valueOf(const dsl::CParam &param) {
  if (param.isType)
    return json::Value(dsl::name(param.type));
  if (param.type == dsl::Elem::Bool)
    return json::Value(param.intValue != 0);
  if (dsl::isFloat(param.type))
    return json::Value(param.floatValue);
  return json::Value(param.intValue);
}

bool isFor(const json::Object &entry, const TunedQuery &query) {
  if (entry.getString("kernel") != StringRef(query.kernel->name) ||
      entry.getString("sha256") != StringRef(query.sha256) ||
      (query.measuredOnly && !entry.getBoolean("measured").value_or(false)) ||
      (query.strategy != "auto" && entry.getString("strategy") != StringRef(query.strategy)))
    return false;
  const json::Object *cparams = entry.getObject("cparams");
  if (!cparams || cparams->size() != query.kernel->cparams.size())
    return false;
  for (const dsl::CParam &param : query.kernel->cparams) {
    const json::Value *value = cparams->get(param.name);
    if (!value || *value != valueOf(param))
      return false;
  }
  return true;
}

} // namespace

Expected<std::optional<TunedSchedule>> findTuned(StringRef table, const TunedQuery &query) {
  Expected<json::Value> parsed = json::parse(table);
  if (!parsed)
    return wrong("it is no JSON: " + toString(parsed.takeError()));
  const json::Object *root = parsed->getAsObject();
  if (!root || root->getInteger("format") != 1)
    return wrong("`format` must be 1");
  if (root->getString("target") != StringRef(query.target))
    return wrong("it is for `" + root->getString("target").value_or("?") +
                 "`, and the target is `" + query.target + "`");
  const json::Array *entries = root->getArray("entries");
  if (!entries)
    return wrong("it has no `entries`");
  for (auto [number, value] : llvm::enumerate(*entries)) {
    const json::Object *entry = value.getAsObject();
    if (!entry)
      return wrong("entries[" + Twine(number) + "] is no object");
    if (!isFor(*entry, query))
      continue;
    TunedSchedule found;
    std::optional<StringRef> strategy = entry->getString("strategy");
    const json::Object *schedule = entry->getObject("schedule");
    if (!strategy || !schedule)
      return wrong("entries[" + Twine(number) + "] has no `strategy` or no `schedule`");
    found.strategy = strategy->str();
    for (const auto &[key, size] : *schedule) {
      if (!size.getAsInteger())
        return wrong("entries[" + Twine(number) + "].schedule." + StringRef(key) +
                     " is no integer");
      found.items.push_back((StringRef(key) + "=" + Twine(*size.getAsInteger())).str());
    }
    // An object has no order, and messages should.
    llvm::sort(found.items);
    return found;
  }
  return std::nullopt;
}

StringRef builtInTunedTable(StringRef target) {
#define FC_TUNED_TABLE(Target, Text)                                                               \
  if (target == Target)                                                                            \
    return Text;
#include "compiler/Target/TunedTables.inc"
#undef FC_TUNED_TABLE
  return "";
}

} // namespace fc
