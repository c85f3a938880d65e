// Reads Kafka messages as the official SDK for JavaScript does, strictly. On standard input a JSON array of messages
// (`key`, `headers`, and `value` in base64); on standard output the events, in the SDK's own JSON. A message that is no
// CloudEvent ends it with an error.
import { text } from "node:stream/consumers";
import { Kafka } from "cloudevents";

const messages = JSON.parse(await text(process.stdin));
const events = messages.map(({ key, headers, value }) => {
  const event = Kafka.toEvent({ key, headers, value: Buffer.from(value, "base64") });
  // The SDK puts an id and a time where there are none, and validates nothing that it receives unless it is asked to.
  for (const name of ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"]) {
    if (!headers[name]) throw new Error(`${name} is missing`);
  }
  return event.cloneWith({}, true);
});
process.stdout.write(JSON.stringify(events));
