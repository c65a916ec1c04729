using System.CommandLine;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>`runner doctor`: what this machine can enforce, and how to mend what it cannot.</summary>
static class DoctorCommand
{
    public static Command Create(Func<IReadOnlyList<Capability>> examine)
    {
        var command = new Command("doctor", "Tell what this machine can enforce, and how to mend what is missing.");
        command.SetAction(parsed =>
        {
            var output = parsed.InvocationConfiguration.Output;
            var findings = examine();
            var width = findings.Max(finding => finding.Name.Length);
            foreach (var finding in findings)
            {
                output.WriteLine($"{Word(finding.State),-8} {finding.Name.PadRight(width)}  {finding.Detail}");
                if (finding.Mend is { } mend) output.WriteLine($"{"",-8} {"".PadRight(width)}  mend: {mend}");
            }
            return (int)(findings.Any(finding => finding.State is CapabilityState.Missing) ? ExitCode.Failed : ExitCode.Ok);
        });
        return command;
    }

    private static string Word(CapabilityState state) => state switch
    {
        CapabilityState.Works => "works",
        CapabilityState.Limited => "limited",
        _ => "missing",
    };
}
