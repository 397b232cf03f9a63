import * as azure from "@pulumi/azure-native/eventhub/index.js";
import * as pulumi from "@pulumi/pulumi";
import type { KafkaAddress } from "../connections.ts";
import { inGroup } from "../placement.ts";
import type { Placement } from "../placement.ts";
import { TOPICS, TOPIC_NAMES, TOPIC_RETENTION_HOURS, planBootstrapServers } from "./plan.ts";
import type { TopicPlan } from "./plan.ts";

export interface EventsArgs {
  placement: Placement;
  units: number;
}

/** An Event Hubs namespace as a Kafka endpoint, with the topics and who reads them. */
export class Events extends pulumi.ComponentResource {
  readonly namespaceId: pulumi.Output<string>;
  readonly kafka: KafkaAddress;

  constructor(name: string, args: EventsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("tierlift:stores:Events", name, {}, opts);
    const { placement } = args;
    const namespace = new azure.Namespace(
      name,
      {
        resourceGroupName: placement.resourceGroupName,
        namespaceName: placement.names.events,
        location: placement.location,
        sku: { name: "Premium", tier: "Premium", capacity: args.units },
        zoneRedundant: true,
        minimumTlsVersion: "1.2",
        // Reached by the private endpoint only, as a workload identity only.
        publicNetworkAccess: "Disabled",
        disableLocalAuth: true,
        tags: placement.tags,
      },
      inGroup(this, placement),
    );
    const within = { resourceGroupName: placement.resourceGroupName, namespaceName: namespace.name };
    const withNamespace = inGroup(this, placement, { deletedWith: namespace });
    for (const eventHubName of TOPIC_NAMES) {
      const { partitions, consumers }: TopicPlan = TOPICS[eventHubName];
      const hub = new azure.EventHub(
        `${name}-${eventHubName}`,
        {
          ...within,
          eventHubName,
          partitionCount: partitions,
          retentionDescription: { cleanupPolicy: "Delete", retentionTimeInHours: TOPIC_RETENTION_HOURS },
        },
        withNamespace,
      );
      for (const consumerGroupName of consumers) {
        new azure.ConsumerGroup(
          `${name}-${eventHubName}-${consumerGroupName}`,
          { ...within, eventHubName: hub.name, consumerGroupName },
          withNamespace,
        );
      }
    }
    this.namespaceId = namespace.id;
    this.kafka = {
      bootstrapServers: namespace.serviceBusEndpoint.apply(planBootstrapServers),
      namespace: namespace.name,
    };
    this.registerOutputs({ kafka: this.kafka });
  }
}
