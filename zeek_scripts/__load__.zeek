##! What the enricher gains from a running Zeek.

# Alerts carry the community id of their flow, so that they can be joined with conn.log and with
# Suricata's own events.
@load policy/protocols/conn/community-id-logging
