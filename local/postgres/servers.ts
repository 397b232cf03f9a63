import path from "node:path";
import type { ArmResource, Backend, BackendGroup, ResourceView } from "../arm/backend.ts";
import { notFound } from "../arm/errors.ts";
import { adopt, ancestorOf, createEntries, halt, requirePart } from "../entries.ts";
import type { Entry, ServersOptions } from "../entries.ts";
import { writeSecretFile } from "../files.ts";
import { checkLogin, ensureAdministrator } from "./administrator.ts";
import { dropDatabase, ensureDatabase, type DatabaseProperties } from "./databases.ts";
import { applyParameter, describeParameter, type ConfigurationProperties } from "./parameters.ts";
import { removeFolders, resolveUser, type OsUser } from "./placement.ts";
import { endLeftOverServer, startPostgres, type PostgresServer } from "./server.ts";

export interface PostgresBackendsOptions extends ServersOptions {
  /** Folder with the programs `initdb` and `postgres`. */
  binDir: string;
  /** Who the servers run as when this process is root; by default the user `postgres`, else `nobody`. */
  runAs?: OsUser;
}

export interface RunningPostgres {
  resourceId: string;
  host: string;
  port: number;
  user: string;
  /** Readable by its owner only. */
  passwordFile: string;
}

export interface PostgresBackends extends BackendGroup {
  servers(): RunningPostgres[];
  /** A parameter of a server as `GET …/configurations/<name>` answers it, also one that nobody ever set. */
  configuration(serverId: string, name: string, view: ResourceView): Promise<Record<string, unknown>>;
}

interface ServerProperties {
  administratorLogin?: string;
  administratorLoginPassword?: string;
  availabilityZone?: string;
  version?: string;
}

interface ServerEntry extends Entry<PostgresServer> {
  /** The login whose password was set last in this run. */
  administrator?: string;
}

const serverType = "microsoft.dbforpostgresql/flexibleservers";

/** A PostgreSQL server behind every flexible server, with its databases, parameters and administrator. */
export function createPostgresBackends(options: PostgresBackendsOptions): PostgresBackends {
  const entries = createEntries<ServerEntry>(options.dir);
  const running = (entry: ServerEntry) => {
    entries.requireOpen();
    return ensureServer(entry, options);
  };
  /** Runs a task on the server that a child resource belongs to, started if need be. */
  const onServer = async <T>(
    child: ArmResource,
    view: ResourceView,
    task: (server: PostgresServer, entry: ServerEntry) => Promise<T>,
  ): Promise<T> => {
    const parent = parentOf(child, view);
    if (!parent) throw notFound("ParentResourceNotFound", `The server of ${child.name} was not found.`);
    const entry = entries.of(parent);
    return entry.serial(async () => task(await running(entry), entry));
  };
  const onRunningServer = (
    child: ArmResource,
    view: ResourceView,
    task: (server: PostgresServer) => Promise<void>,
  ) => entries.whileRunning(parentOf(child, view), task);
  const restart = (entry: ServerEntry) => async () => {
    await halt(entry);
    return running(entry);
  };

  const flexibleServers: Backend = {
    type: serverType,
    async ensure(resource) {
      const { administratorLogin, availabilityZone } = properties<ServerProperties>(resource);
      if (administratorLogin) checkLogin(administratorLogin);
      const entry = entries.of(resource);
      const server = await entry.serial(() => running(entry));
      return {
        // A bare name on Azure, where the port is always 5432.
        fullyQualifiedDomainName: `127.0.0.1:${server.port}`,
        state: "Ready",
        minorVersion: "4",
        // Left to Azure, it picks a zone.
        ...(availabilityZone ? {} : { availabilityZone: "1" }),
      };
    },
    async remove(resource) {
      await entries.discard(resource, async (dir) => {
        await endLeftOverServer(dir);
        await removeFolders(dir);
      });
      options.onChange();
    },
    actions: {
      restart: async (resource) => {
        const entry = entries.of(resource);
        await entry.serial(restart(entry));
        return {};
      },
    },
  };
  const databases: Backend = {
    type: `${serverType}/databases`,
    ensure: async (resource, view) => {
      const wanted = properties<DatabaseProperties>(resource);
      return {
        ...(await onServer(resource, view, (server) => ensureDatabase(server, resource.name, wanted))),
      };
    },
    remove: (resource, view) =>
      onRunningServer(resource, view, (server) => dropDatabase(server, resource.name)),
  };
  const configurations: Backend = {
    type: `${serverType}/configurations`,
    ensure: (resource, view) => {
      const { value } = properties<ConfigurationProperties>(resource);
      return onServer(resource, view, (server, entry) =>
        applyParameter(server, resource.name, value, restart(entry)),
      );
    },
    remove: (resource, view) =>
      onRunningServer(resource, view, async (server) => {
        await applyParameter(
          server,
          resource.name,
          undefined,
          restart(entries.of(parentOf(resource, view)!)),
        );
      }),
  };
  const firewallRules: Backend = {
    type: `${serverType}/firewallrules`,
    // Only this machine reaches the server: a rule is kept, and changes nothing.
    ensure: () => Promise.resolve({}),
    remove: () => Promise.resolve(),
  };
  return {
    backends: [flexibleServers, databases, configurations, firewallRules],
    servers: () => entries.all().flatMap(runningServer),
    async configuration(serverId, name, view) {
      const resource = view.get(serverId);
      if (!resource) throw notFound("ParentResourceNotFound", `The server ${serverId} was not found.`);
      const entry = entries.of(resource);
      return entry.serial(async () => describeParameter(await running(entry), name));
    },
    stop: () => entries.stop(),
  };
}

async function ensureServer(entry: ServerEntry, options: PostgresBackendsOptions): Promise<PostgresServer> {
  const isNew = !entry.server?.isRunning();
  const server = entry.server?.isRunning() ? entry.server : await startEntry(entry, options);
  await applyAdministrator(entry, server);
  // Not sooner: who is told of the server finds the administrator's password file.
  if (isNew) options.onChange();
  return server;
}

async function startEntry(entry: ServerEntry, options: PostgresBackendsOptions): Promise<PostgresServer> {
  await requirePart("PostgreSQL's program is not at", path.join(options.binDir, "initdb"));
  delete entry.administrator;
  const server = await startPostgres({
    dir: entry.dir,
    name: entry.resource.name,
    binDir: options.binDir,
    user: await resolveUser(options.runAs),
    authority: options.authority,
  });
  adopt(entry, server, { again: () => ensureServer(entry, options), log: options.log });
  return server;
}

/** Sets the administrator's password when the resource brings one that is not the server's already. */
async function applyAdministrator(entry: ServerEntry, server: PostgresServer): Promise<void> {
  const { administratorLogin: login, administratorLoginPassword: password } = properties<ServerProperties>(
    entry.resource,
  );
  if (!login || !password) return;
  const wanted = `${login}\n${password}`;
  if (entry.administrator === wanted) return;
  await ensureAdministrator(server, login, password);
  await writeSecretFile(passwordFile(entry), password);
  entry.administrator = wanted;
}

function runningServer(entry: ServerEntry): RunningPostgres[] {
  const { administratorLogin: user } = properties<ServerProperties>(entry.resource);
  if (!entry.server || !user) return [];
  const { port } = entry.server;
  return [
    { resourceId: entry.resource.id, host: "127.0.0.1", port, user, passwordFile: passwordFile(entry) },
  ];
}

function passwordFile(entry: ServerEntry): string {
  return path.join(entry.dir, "administrator-password");
}

function properties<T>(resource: ArmResource): Partial<T> {
  return resource.body.properties ?? {};
}

function parentOf(child: ArmResource, view: ResourceView): ArmResource | undefined {
  return ancestorOf(child, view, 1);
}
