using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;

namespace MagicBellJwt.Sandbox.Server;

/// <summary>The faults to come. Each counts the requests it matches; of those that would hit one request, the first does.</summary>
internal sealed class FaultList
{
    private readonly List<Armed> armed = [];

    public void Add(Fault fault)
    {
        fault.Check();
        lock (armed)
        {
            armed.Add(new Armed(fault));
        }
    }

    public void Clear()
    {
        lock (armed)
        {
            armed.Clear();
        }
    }

    public Fault? Next(SandboxRequest request)
    {
        lock (armed)
        {
            Armed? hit = null;
            foreach (Armed fault in armed)
            {
                // Counted whether or not another fault comes first: what a fault hits depends on the requests alone.
                if (fault.Counts(request))
                {
                    hit ??= fault;
                }
            }

            return hit?.Hit();
        }
    }

    private sealed class Armed(Fault fault)
    {
        private readonly string[] methods = fault.Method.Split(',');
        private readonly Regex path = new("^" + Regex.Escape(fault.Path).Replace(@"\*", ".*", StringComparison.Ordinal) + "$", RegexOptions.Singleline);
        private int matches;
        private int hits;

        /// <summary>Counts a request that matches, and says whether it is one to hit.</summary>
        public bool Counts(SandboxRequest request)
        {
            bool matched = (fault.Method == "*" || methods.Contains(request.Method)) && (path.IsMatch(request.Path) || path.IsMatch(request.Path + request.Query));
            return matched && ++matches > fault.Skip && (matches - fault.Skip) % (fault.Every ?? 1) == 0 && (fault.Times is null || hits < fault.Times);
        }

        public Fault Hit()
        {
            hits++;
            return fault;
        }
    }
}
