#!/bin/sh
# From traffic that nobody has named to an alert of Suricata that the ledger counts.
#
#   sh docs/full-loop.sh BENIGN_LOGS NEW_LOGS NEW_CAPTURE WORK
#
# BENIGN_LOGS: a directory of the site's ordinary logs; NEW_LOGS: logs in which something is new;
# NEW_CAPTURE: packets of it (pcap); WORK: an empty directory.
set -eu
benign=$1 logs=$2 capture=$3 work=$4
state=$work/state
mkdir -p "$work/suricata"

enricher calibrate "$benign" --state "$state" --quiet
enricher scan "$logs" --out "$work/found" --state "$state" --quiet

# Discover: the cluster with the most records is named, which adapts a head.
enricher families discover "$logs" --state "$state" --json >"$work/discovered.json"
id=$(python3 -c '
import json, sys
found = json.load(open(sys.argv[1]))["discoveries"]
print(max(found, key=lambda one: one["figures"]["records"])["id"])' "$work/discovered.json")
enricher families name "$id" new-family --state "$state"

# Propose against the benign history, with the capture for proof; an analyst reads and approves.
enricher rules propose new-family --benign "$benign" --pcap "$capture" --state "$state" --quiet
sid=$(enricher rules list --json --state "$state" |
    python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["sid"])')
enricher rules show "$sid" --state "$state"
enricher rules approve "$sid" --why "read the page, it holds" --state "$state"
enricher rules deploy --to "$work/enricher.rules" --why "first" --state "$state"

# Suricata replays the capture; its alert is in eve.json, and the ledger counts it.
suricata -r "$capture" -S "$work/enricher.rules" -l "$work/suricata" -k none
enricher rules hits "$work/suricata/eve.json" --state "$state"
enricher rules history "$sid" --state "$state"
