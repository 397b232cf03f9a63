/** `/metadata/endpoints`: where a client finds the parts of this cloud. */
import { armAudiences } from "./identity/oauth.ts";

/**
 * The answer for an API version: one object from 2022-09-01 on (what azure-native and Terraform read), a list with one
 * entry per cloud from 2019-05-01 on, a smaller object before. Suffixes are Azure's own: clients build names from
 * them, but nothing here listens under those names.
 */
export function metadataEndpoints(origin: string, apiVersion: string): unknown {
  const cloud = describeCloud(origin);
  if (apiVersion >= "2022-09-01") return cloud;
  if (apiVersion >= "2019-05-01") return [cloud];
  const { authentication, graph } = cloud;
  return { galleryEndpoint: origin, graphEndpoint: graph, portalEndpoint: origin, authentication };
}

function describeCloud(origin: string) {
  const graph = "https://graph.windows.net/";
  return {
    name: "TierliftLocal",
    resourceManager: origin,
    portal: origin,
    authentication: {
      loginEndpoint: origin,
      audiences: [origin, ...armAudiences.map((audience) => `${audience}/`)],
      tenant: "common",
      identityProvider: "AAD",
    },
    media: origin,
    graphAudience: graph,
    graph,
    microsoftGraphResourceId: "https://graph.microsoft.com/",
    batch: "https://batch.core.windows.net/",
    gallery: origin,
    sqlManagement: origin,
    vmImageAliasDoc: "",
    activeDirectoryDataLake: "https://datalake.azure.net/",
    ossrDbmsResourceId: "https://ossrdbms-aad.database.windows.net",
    logAnalyticsResourceId: "https://api.loganalytics.io",
    appInsightsResourceId: "https://api.applicationinsights.io",
    suffixes: {
      acrLoginServer: "azurecr.io",
      keyVaultDns: "vault.azure.net",
      mhsmDns: "managedhsm.azure.net",
      mysqlServerEndpoint: "mysql.database.azure.com",
      postgresqlServerEndpoint: "postgres.database.azure.com",
      sqlServerHostname: "database.windows.net",
      storage: "core.windows.net",
      storageSyncEndpointSuffix: "afs.azure.net",
    },
  };
}
