import path from "node:path";

export interface Ports {
  clients: number;
  /** Between brokers, of which there is one, and for the local cloud. */
  inner: number;
  controller: number;
}

export interface PropertiesOptions {
  /** Folder of the broker. */
  dir: string;
  ports: Ports;
  /** Address of the directory's public keys. */
  keys: string;
  /** Whom tokens must be for, and by whom. */
  audience: string;
  issuer: string;
}

const bearer = "org.apache.kafka.common.security.oauthbearer";

/**
 * The broker's settings. Clients come by TLS with a token, as to an Event Hubs namespace without local authentication;
 * the listeners for the broker itself take only certificates of its own authority.
 */
export function planProperties({ dir, ports, keys, audience, issuer }: PropertiesOptions): string {
  const file = (name: string) => path.join(dir, name);
  const at = (listener: string, port: number) => `${listener}://127.0.0.1:${port}`;
  const open = `${at("CLIENTS", ports.clients)},${at("INNER", ports.inner)}`;
  return toText({
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${ports.controller}`,
    listeners: `${open},${at("CONTROLLER", ports.controller)}`,
    "advertised.listeners": open,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "INNER",
    "listener.security.protocol.map": "CLIENTS:SASL_SSL,INNER:SSL,CONTROLLER:SSL",
    ...below("listener.name.clients", {
      "ssl.keystore.type": "PEM",
      "ssl.keystore.location": file("server.pem"),
      "sasl.enabled.mechanisms": "OAUTHBEARER",
      // A connection ends with its token.
      "oauthbearer.connections.max.reauth.ms": "3600000",
      "oauthbearer.sasl.server.callback.handler.class": `${bearer}.OAuthBearerValidatorCallbackHandler`,
      "oauthbearer.sasl.jaas.config": `${bearer}.OAuthBearerLoginModule required;`,
      "oauthbearer.sasl.oauthbearer.jwks.endpoint.url": keys,
      "oauthbearer.sasl.oauthbearer.expected.audience": audience,
      "oauthbearer.sasl.oauthbearer.expected.issuer": issuer,
    }),
    ...below("listener.name.inner", planMutual(file)),
    ...below("listener.name.controller", planMutual(file)),
    "log.dirs": file("data"),
    // As in Event Hubs, topics are made by asking for them.
    "auto.create.topics.enable": "false",
    // One broker: there is nowhere else for copies.
    ...Object.fromEntries(
      ["offsets.topic", "transaction.state.log", "share.coordinator.state.topic"].flatMap((topic) => [
        [`${topic}.replication.factor`, "1"],
        [`${topic}.num.partitions`, "1"],
      ]),
    ),
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    // A small broker.
    "num.network.threads": "2",
    "num.io.threads": "2",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.retention.check.interval.ms": "60000",
  });
}

function planMutual(file: (name: string) => string): Record<string, string> {
  return {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": file("inner.pem"),
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": file(path.join("pki", "ca.pem")),
    "ssl.client.auth": "required",
  };
}

function below(prefix: string, settings: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${prefix}.${name}`, value]));
}

/** Java's format of properties, in which a backslash escapes. */
function toText(settings: Record<string, string>): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value.replaceAll("\\", "\\\\")}`);
  return `${lines.join("\n")}\n`;
}
