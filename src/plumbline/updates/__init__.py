"""Whether each device runs the newest firmware that is fit to run, and in which order those that do not can be brought there.

    claims, belief          who says which version a device runs, and which of them is believed
    judging, currency       what the catalogue makes of that version; affected, support, knowledge serve them
    route, steps            the releases that lead to the newest, and what must hold on the way
    populations, sampling   what the examined devices of a model say of all
    fleet, runtimes         devices that only a hub knows; the runtime of gateways
    derive                  all of it as derived tables
    reading                 the tables read back, for
    planning, targets       waves of updates, each target checked; exports writes them for update services
    verifying               what closes them: observations made afterwards

Nothing here sends anything to a device or a service.
"""
