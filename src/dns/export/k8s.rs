//! Kubernetes: `CoreDNS` on every node, for the pods that name it as their resolver.

use super::zones::Zones;
use super::{Export, Target, coredns, head};
use crate::quote;

/// The release that is named; any newer one does.
const IMAGE: &str = "registry.k8s.io/coredns/coredns:v1.11.3";

/// A `ConfigMap`, a `DaemonSet`, and a `Service` by which a pod reaches the resolver of its own node.
pub fn text(zones: &Zones, export: &Export) -> String {
    let mut text = head(
        Target::K8s,
        export,
        &[
            "For `kubectl apply -f -`. The image must come from a registry that the nodes reach. It asks the name servers above, which are",
            "the cluster's own where this was written in a pod; elsewhere name them: dns.upstream. A pod uses it by",
            "  dnsPolicy: None",
            "  dnsConfig: {nameservers: [ADDRESS], searches: [NAMESPACE.svc.cluster.local, svc.cluster.local, cluster.local],",
            "    options: [{name: ndots, value: \"5\"}]}",
            "where `kubectl -n kube-system get service hpcsh-dns` tells the address.",
        ],
        coredns::DIFFERENCES,
    );
    let corefile = coredns::blocks(zones, export, 53, &[], &["health :8080", "ready :8181", "reload"]);
    // A string is no more than a quoted line in YAML: what stands in it cannot end it.
    let corefile: String = corefile.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect();
    text.push_str(&MANIFESTS.replace("IMAGE", &quote::json(IMAGE)).replace("COREFILE\n", &corefile));
    text
}

const MANIFESTS: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: hpcsh-dns
  namespace: kube-system
data:
  Corefile: |
COREFILE
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: hpcsh-dns
  namespace: kube-system
  labels: {app: hpcsh-dns}
spec:
  selector:
    matchLabels: {app: hpcsh-dns}
  updateStrategy:
    rollingUpdate: {maxUnavailable: 1}
  template:
    metadata:
      labels: {app: hpcsh-dns}
    spec:
      # Not itself.
      dnsPolicy: Default
      priorityClassName: system-node-critical
      automountServiceAccountToken: false
      tolerations: [{operator: Exists}]
      containers:
        - name: coredns
          image: IMAGE
          args: ["-conf", "/etc/coredns/Corefile"]
          ports:
            - {name: dns, containerPort: 53, protocol: UDP}
            - {name: dns-tcp, containerPort: 53, protocol: TCP}
          resources:
            requests: {cpu: 50m, memory: 64Mi}
            limits: {memory: 256Mi}
          livenessProbe:
            httpGet: {path: /health, port: 8080}
          readinessProbe:
            httpGet: {path: /ready, port: 8181}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
              add: [NET_BIND_SERVICE]
          volumeMounts:
            - {name: config, mountPath: /etc/coredns, readOnly: true}
      volumes:
        - name: config
          configMap: {name: hpcsh-dns}
---
apiVersion: v1
kind: Service
metadata:
  name: hpcsh-dns
  namespace: kube-system
spec:
  selector: {app: hpcsh-dns}
  # Each pod asks the resolver of its own node.
  internalTrafficPolicy: Local
  ports:
    - {name: dns, port: 53, protocol: UDP}
    - {name: dns-tcp, port: 53, protocol: TCP}
"#;
