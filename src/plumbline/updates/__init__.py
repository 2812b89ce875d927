"""Whether each device runs the newest firmware that is fit to run, and in which order those that do not can be brought there.

    claims, belief      who says which version a device runs, and which of them is believed
    judging, currency   what the catalogue makes of that version
    derive              the two as derived tables
    planning            waves of updates, each target checked; `verifying` closes them by what is observed afterwards

Nothing here sends anything to a device or a service.
"""
